"""The store on DynamoDB: carries out `stepwell.storage.operations` with the low-level client."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from stepwell.aws.attributes import from_attributes, to_attribute, to_attributes
from stepwell.aws.expressions import Expression
from stepwell.storage.due import INDEX, Due
from stepwell.storage.operations import (
    Check,
    ConditionFailedError,
    Delete,
    Item,
    Key,
    Operation,
    Put,
    StoreBusyError,
    TableName,
    Update,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BATCH = 100
_ATTEMPTS = 8
_BUSY = {
    "TransactionConflictException",
    "TransactionConflict",
    "TransactionInProgressException",
    "ThrottlingException",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "InternalServerError",
}
_CONDITION_FAILED = {"ConditionalCheckFailed", "ConditionalCheckFailedException"}

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class DynamoStore:
    """Both tables. `records` may be empty for a function that has no business with it."""

    client: DynamoDBClient
    customers: str
    records: str = ""

    def get(self, key: Key) -> Item | None:
        answer = _patiently(
            lambda: self.client.get_item(
                TableName=self._table(key.table), Key=_key(key), ConsistentRead=True
            )
        )
        return from_attributes(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Item] = {}
        for start in range(0, len(wanted), _BATCH):
            found.update(self._get_batch(wanted[start : start + _BATCH]))
        return found

    def query(
        self,
        table: TableName,
        pk: str,
        *,
        prefix: str = "",
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[Item]:
        request: dict[str, Any] = {
            "TableName": self._table(table),
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
        }
        if prefix:
            request["KeyConditionExpression"] += " AND begins_with(sk, :sk)"
            request["ExpressionAttributeValues"][":sk"] = {"S": prefix}
        items: list[Item] = []
        while limit is None or len(items) < limit:
            if limit is not None:
                request["Limit"] = limit - len(items)
            answer = _patiently(lambda: self.client.query(**request))
            items += [from_attributes(each) for each in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return items

    def due(self, shard: str, until: str) -> Iterator[Due]:
        request: dict[str, Any] = {
            "TableName": self.customers,
            "IndexName": INDEX,
            "KeyConditionExpression": "due_shard = :shard AND due_at <= :until",
            "ExpressionAttributeValues": {":shard": {"S": shard}, ":until": {"S": until}},
        }
        while True:
            answer = _patiently(lambda: self.client.query(**request))
            for each in map(from_attributes, answer["Items"]):
                yield Due(each["due_at"], each["pk"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def write(self, operation: Put | Update | Delete) -> Item:
        try:
            return _patiently(lambda: self._write(operation))
        except ClientError as error:
            if _code(error) not in _CONDITION_FAILED:
                raise
            before: Any = error.response.get("Item")
            raise ConditionFailedError(
                [from_attributes(before) if before else None], [0]
            ) from error

    def transact(self, operations: Sequence[Operation]) -> None:
        entries = [self._transaction_entry(operation) for operation in operations]
        _patiently(lambda: self._transact(entries))

    def _get_batch(self, keys: list[Key]) -> dict[Key, Item]:
        names = {self._table(table): table for table in TableName}
        requests: Mapping[str, Any] = {
            name: {
                "Keys": [_key(key) for key in keys if key.table == table],
                "ConsistentRead": True,
            }
            for name, table in names.items()
            if any(key.table == table for key in keys)
        }
        found: dict[Key, Item] = {}
        for attempt in range(_ATTEMPTS):
            read = partial(self.client.batch_get_item, RequestItems=requests)
            answer = _patiently(read)
            for name, raw in answer["Responses"].items():
                for item in map(from_attributes, raw):
                    found[Key(names[name], item["pk"], item["sk"])] = item
            requests = answer.get("UnprocessedKeys", {})
            if not requests:
                return found
            _back_off(attempt)
        raise StoreBusyError("DynamoDB leaves keys of a batch unread")

    def _write(self, operation: Put | Update | Delete) -> Item:
        request = self._request(operation) | {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        match operation:
            case Put():
                self.client.put_item(**request)
                return {**operation.item, "pk": operation.key.pk, "sk": operation.key.sk}
            case Update():
                return from_attributes(
                    self.client.update_item(**request, ReturnValues="ALL_NEW")["Attributes"]
                )
            case Delete():
                self.client.delete_item(**request)
                return {}

    def _transact(self, entries: list[dict[str, Any]]) -> None:
        try:
            self.client.transact_write_items(TransactItems=entries)  # type: ignore[arg-type]  # built above
        except self.client.exceptions.TransactionCanceledException as error:
            reasons: list[Any] = list(error.response.get("CancellationReasons", []))
            failed = [i for i, each in enumerate(reasons) if each.get("Code") in _CONDITION_FAILED]
            if not failed:
                raise
            items = [
                from_attributes(each["Item"]) if i in failed and each.get("Item") else None
                for i, each in enumerate(reasons)
            ]
            raise ConditionFailedError(items, failed) from error

    def _transaction_entry(self, operation: Operation) -> dict[str, Any]:
        name = "ConditionCheck" if isinstance(operation, Check) else type(operation).__name__
        request = self._request(operation)
        if operation.conditions:
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return {name: request}

    def _request(self, operation: Operation) -> dict[str, Any]:
        expression = Expression()
        request: dict[str, Any] = {"TableName": self._table(operation.key.table)}
        match operation:
            case Put(item=item):
                request["Item"] = to_attributes(item) | _key(operation.key)
            case Update():
                request["Key"] = _key(operation.key)
                request["UpdateExpression"] = expression.update(
                    operation.set, operation.remove, operation.add
                )
            case Delete() | Check():
                request["Key"] = _key(operation.key)
        if operation.conditions:
            request["ConditionExpression"] = expression.condition(operation.conditions)
        if expression.names:
            request["ExpressionAttributeNames"] = expression.names
        if expression.values:
            request["ExpressionAttributeValues"] = {
                name: to_attribute(value) for name, value in expression.values.items()
            }
        return request

    def _table(self, table: TableName) -> str:
        return self.customers if table is TableName.CUSTOMERS else self.records


def _key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _is_busy(error: ClientError) -> bool:
    reasons: Any = error.response.get("CancellationReasons", [])
    return _code(error) in _BUSY or any(each.get("Code") in _BUSY for each in reasons)


def _patiently(call: Callable[[], Answer]) -> Answer:
    """Repeat a call that met a conflict or a throttle, with full jitter, a bounded number of
    times.
    """
    for attempt in count():
        try:
            return call()
        except ClientError as error:
            if not _is_busy(error):
                raise
            if attempt == _ATTEMPTS:
                raise StoreBusyError(_code(error)) from error
            _back_off(attempt)
    raise AssertionError("unreachable: count() does not end")


def _back_off(attempt: int) -> None:
    time.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.5)))  # noqa: S311 - jitter, not a secret
