"""All profiles of a stage: a parallel Scan of the customers table, a page a call.

The Scan is eventually consistent, which costs half: a profile that was written within the last
second or so may be seen as it was before, and one that is just being made may be missed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepwell.aws.attributes import from_attributes
from stepwell.customers.keys import PROFILE
from stepwell.storage.operations import Item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class ScannedProfiles:
    client: DynamoDBClient
    table: str

    def page(self, part: int, parts: int, after: str) -> tuple[Sequence[Item], str]:
        """A megabyte of the table, with all that lies between profiles. Raises ValueError for a
        mark that is none.
        """
        request: dict[str, Any] = {
            "TableName": self.table,
            "FilterExpression": "sk = :profile",
            "ExpressionAttributeValues": {":profile": {"S": PROFILE}},
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
