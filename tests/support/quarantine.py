"""A stage whose quarantine operators work on, for tests of `stepwell quarantine`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from stepwell.cli import quarantine
from stepwell.cli.main import main
from tests.support.stage import PREFIX, QUARANTINE, Stage

Json = dict[str, Any]
ORDER = {
    "event": "Order Completed",
    "userId": "ada",
    "messageId": "o-1",
    "properties": {"order_id": "1", "total": "59.90"},
}


@contextmanager
def operated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A stage at whose time the commands run, with ingest deployed and ada known."""
    with Stage() as stage:
        deploy_ingest(stage)
        monkeypatch.setattr(quarantine, "datetime", clock_of(stage))
        stage.identify("ada", tier=1)
        yield stage


def clock_of(stage: Stage) -> type[datetime]:
    class Now(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Now:
            return cls.fromtimestamp(stage.engine.clock.now().timestamp(), tz)

    return Now


def deploy_ingest(stage: Stage, **changes: str) -> None:
    """The function as the operator's account knows it: its settings name the registry."""
    s3 = stage.engine.client("s3")
    [key] = [
        each["Key"]
        for each in s3.list_objects_v2(Bucket=f"{PREFIX}programs", Prefix="registries/")["Contents"]
    ]
    variables = {
        "PROGRAMS_BUCKET": f"{PREFIX}programs",
        "REGISTRY_KEY": key,
        "UNKNOWN_EVENTS": "accept",
    }
    role = stage.engine.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    stage.engine.client("lambda").create_function(
        FunctionName=f"{PREFIX}ingest",
        Role=role["Role"]["Arn"],
        Runtime="python3.13",
        Handler="handler.handler",
        Code={"ZipFile": b"-"},
        Environment={"Variables": variables | changes},
    )


def publish(stage: Stage, change: Callable[[Json], None]) -> None:
    """Deploy another registry."""
    s3, functions = stage.engine.client("s3"), stage.engine.client("lambda")
    name = f"{PREFIX}ingest"
    settings = functions.get_function_configuration(FunctionName=name)["Environment"]
    bucket, key = f"{PREFIX}programs", settings["Variables"]["REGISTRY_KEY"]
    document = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    change(document["events"])
    settings["Variables"]["REGISTRY_KEY"] = "registries/later.json"
    s3.put_object(Bucket=bucket, Key="registries/later.json", Body=json.dumps(document).encode())
    functions.update_function_configuration(FunctionName=name, Environment=settings)


def refuse(stage: Stage, call: Json = ORDER, kind: str = "track") -> str:
    """A call that ingest refuses; its id."""
    answer = stage.call(kind, call)
    assert answer["statusCode"] == 400, answer
    return str(json.loads(answer["body"])["quarantine_id"])


def run(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> Any:
    capsys.readouterr()
    assert main(["quarantine", *words, "--stage", "local", "--json"]) == status
    return json.loads(capsys.readouterr().out)


def states(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    found = run(capsys, "list", "--state", "all")["entries"]
    return {each["id"]: each["state"] for each in found}


def objects(stage: Stage, prefix: str = "entries/") -> list[str]:
    listed = stage.engine.client("s3").list_objects_v2(Bucket=QUARANTINE, Prefix=prefix)
    return [each["Key"] for each in listed.get("Contents", ())]
