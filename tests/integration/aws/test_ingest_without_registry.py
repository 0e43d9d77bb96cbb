"""The ingest function of a process whose first event comes while S3 does not give the registry."""

from __future__ import annotations

from typing import Any

from tests.support.stage import PREFIX, Stage

SEEN = {"userId": "ada", "event": "Product Viewed"}


def status(stage: Stage, kind: str, document: dict[str, Any]) -> int:
    return int(stage.call(kind, document)["statusCode"])


def test_a_registry_that_cannot_be_read_is_503_until_it_can() -> None:
    with Stage() as stage:
        s3, bucket = stage.engine.client("s3"), f"{PREFIX}programs"
        [listed] = s3.list_objects_v2(Bucket=bucket, Prefix="registries/")["Contents"]
        content = s3.get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()
        s3.delete_object(Bucket=bucket, Key=listed["Key"])
        assert status(stage, "track", SEEN) == 503
        assert status(stage, "identify", {"userId": "ada"}) == 200
        s3.put_object(Bucket=bucket, Key=listed["Key"], Body=content)
        assert status(stage, "track", SEEN) == 200
