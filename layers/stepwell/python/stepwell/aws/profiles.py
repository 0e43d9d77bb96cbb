"""All profiles of a stage, by a Scan of the customers table, a page a call.

The Scan is eventually consistent, which costs half: a profile that was written within the last
second or so may be seen as it was before, and one that is just being made may be missed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepwell.aws.attributes import from_attributes
from stepwell.customers import keys
from stepwell.profile.refreshing import Stale
from stepwell.storage.operations import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_IS_PROFILE = "sk = :profile"
_PROFILE = {":profile": {"S": keys.PROFILE}}


@dataclass(frozen=True)
class ScannedProfiles:
    """Whole profiles, in parts that can be read side by side."""

    client: DynamoDBClient
    table: str

    def page(self, part: int, parts: int, after: str) -> tuple[Sequence[Item], str]:
        """A megabyte of the table, with all that lies between profiles. Raises ValueError for a
        mark that is none.
        """
        request: dict[str, Any] = {
            "TableName": self.table,
            "FilterExpression": _IS_PROFILE,
            "ExpressionAttributeValues": _PROFILE,
            "Segment": part,
            "TotalSegments": parts,
        }
        if after:
            request["ExclusiveStartKey"] = _key(after)
        answer = self.client.scan(**request)
        last = answer.get("LastEvaluatedKey")
        mark = json.dumps([last["pk"]["S"], last["sk"]["S"]]) if last else ""
        return [from_attributes(each) for each in answer["Items"]], mark


def _key(mark: str) -> dict[str, Any]:
    match json.loads(mark):
        case [str(pk), str(sk)] if pk and sk:
            return {"pk": {"S": pk}, "sk": {"S": sk}}
    raise ValueError(mark)


@dataclass
class StaleProfiles:
    """One after the other, only as fast as its caller takes the pages. `looked_at` counts the items
    of all kinds that were read so far.
    """

    client: DynamoDBClient
    table: str
    looked_at: int = 0

    def stale(self, version: str) -> Iterator[Stale]:
        """Whose segments do not follow from these definitions. Who became another is left out.

        Raises what botocore raises.
        """
        request: dict[str, Any] = {
            "TableName": self.table,
            "FilterExpression": f"{_IS_PROFILE} AND attribute_not_exists(merged_into)"
            " AND (attribute_not_exists(segments_by) OR segments_by <> :version)",
            "ExpressionAttributeValues": {**_PROFILE, ":version": {"S": version}},
            "ProjectionExpression": "pk, seq",
        }
        while True:
            answer = self.client.scan(**request)
            self.looked_at += answer["ScannedCount"]
            for each in map(from_attributes, answer["Items"]):
                yield Stale(keys.customer_of(each["pk"]), int(each["seq"]))
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
