"""Reads every profile of the customers table, for what has to look at all of them.

A Scan: eventually consistent, at half the price, and only as fast as its caller takes the pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepwell.aws.attributes import from_attributes
from stepwell.customers import keys
from stepwell.profile.refreshing import Stale

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass
class Profiles:
    """`looked_at` counts the items of all kinds that were read so far."""

    client: DynamoDBClient
    table: str
    looked_at: int = 0

    def stale(self, version: str) -> Iterator[Stale]:
        """Whose segments do not follow from these definitions. Who became another is left out.

        Raises what botocore raises.
        """
        request: dict[str, Any] = {
            "TableName": self.table,
            "FilterExpression": "sk = :profile AND attribute_not_exists(merged_into)"
            " AND (attribute_not_exists(segments_by) OR segments_by <> :version)",
            "ExpressionAttributeValues": {
                ":profile": {"S": keys.PROFILE},
                ":version": {"S": version},
            },
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
