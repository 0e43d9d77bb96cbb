"""The DynamoDB actions of definitions, carried out on the store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from stepwell.aws.attributes import from_attribute, from_attributes, to_attribute
from stepwell.simulation.machines.errors import StateError, UnsupportedError
from stepwell.simulation.machines.expressions import (
    MakeConditions,
    compile_condition,
    compile_update,
)
from stepwell.simulation.machines.paths import Frame, Read
from stepwell.simulation.machines.payloads import compile_payload
from stepwell.storage.memory import hold
from stepwell.storage.operations import (
    ConditionFailedError,
    Item,
    Key,
    Put,
    Store,
    StoreBusyError,
    TableName,
    Update,
)

CONDITION_FAILED = "DynamoDb.ConditionalCheckFailedException"
CANCELLED = "DynamoDb.TransactionCanceledException"
THROTTLED = "DynamoDb.ProvisionedThroughputExceededException"

_TABLES = {"${CustomersTable}": TableName.CUSTOMERS, "${RecordsTable}": TableName.RECORDS}


class Tables(Protocol):
    """The store, and a look at an item that is no call: what DynamoDB itself reads for an
    expression.
    """

    @property
    def store(self) -> Store: ...

    def peek(self, key: Key) -> Item | None: ...


TableAction = Callable[[Frame, Tables], Any]
"""The action's result as Step Functions gives it. Raises StateError."""
_Write = Callable[[Frame, Tables], Put | Update]


def update_item(parameters: Mapping[str, Any]) -> TableAction:
    make = _update(parameters)
    return lambda frame, tables: _written(tables.store, make(frame, tables))


def put_item(parameters: Mapping[str, Any]) -> TableAction:
    make = _put(parameters)
    return lambda frame, tables: _written(tables.store, make(frame, tables))


def get_item(parameters: Mapping[str, Any]) -> TableAction:
    known = _known(
        parameters,
        {"Key", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"},
    )
    if known.get("ConsistentRead") is not True:
        raise UnsupportedError("a getItem without ConsistentRead")
    key, names = _key(known), known["ExpressionAttributeNames"]
    wanted = [names[each] for each in known["ProjectionExpression"].split(", ")]

    def get(frame: Frame, tables: Tables) -> dict[str, Any]:
        try:
            item = tables.store.get(key(frame))
        except StoreBusyError as error:
            raise StateError(THROTTLED, str(error)) from error
        if item is None:
            return {}
        return {"Item": {name: to_attribute(item[name]) for name in wanted if name in item}}

    return get


def transact_write_items(parameters: Mapping[str, Any]) -> TableAction:
    writes = [_operation(each) for each in parameters["TransactItems"]]
    if set(parameters) != {"TransactItems"}:
        raise UnsupportedError(f"transactWriteItems with {', '.join(sorted(parameters))}")

    def transact(frame: Frame, tables: Tables) -> dict[str, Any]:
        try:
            tables.store.transact([write(frame, tables) for write in writes])
        except (ConditionFailedError, StoreBusyError) as error:
            raise StateError(CANCELLED, str(error)) from error
        return {}

    return transact


def _operation(document: Mapping[str, Any]) -> _Write:
    ((verb, parameters),) = document.items()
    match verb:
        case "Update":
            return _update(parameters)
        case "Put":
            return _put(parameters)
    raise UnsupportedError(f"{verb} in a transaction")


def _update(parameters: Mapping[str, Any]) -> _Write:
    known = _known(
        parameters,
        {
            "Key",
            "UpdateExpression",
            "ConditionExpression",
            "ExpressionAttributeNames",
            "ExpressionAttributeValues",
        },
    )
    key, names = _key(known), known["ExpressionAttributeNames"]
    changes = compile_update(known["UpdateExpression"], names)
    conditions = _conditions(known, names)
    values = compile_payload(known["ExpressionAttributeValues"])

    def update(frame: Frame, tables: Tables) -> Update:
        where, given = key(frame), from_attributes(values(frame))
        required, item = conditions(given), tables.peek(where)
        # A condition that fails comes before attributes that the update cannot read.
        settings = changes(item or {}, given) if hold(required, item) else {}
        return Update(where, set=settings, conditions=required)

    return update


def _put(parameters: Mapping[str, Any]) -> _Write:
    known = _known(parameters, {"Item"})
    item = compile_payload(known["Item"])
    table = _table(known)

    def put(frame: Frame, _: Tables) -> Put:
        plain = from_attributes(item(frame))
        return Put(Key(table, plain.pop("pk"), plain.pop("sk")), plain)

    return put


def _conditions(known: Mapping[str, Any], names: Mapping[str, str]) -> MakeConditions:
    text = known.get("ConditionExpression")
    return compile_condition(text, names) if text else lambda _: ()


def _key(known: Mapping[str, Any]) -> Callable[[Frame], Key]:
    table = _table(known)
    read: Read = compile_payload({name: known[name] for name in known if name.startswith("Key")})

    def key(frame: Frame) -> Key:
        attributes = read(frame)["Key"]
        return Key(table, from_attribute(attributes["pk"]), from_attribute(attributes["sk"]))

    return key


def _table(known: Mapping[str, Any]) -> TableName:
    try:
        return _TABLES[known["TableName"]]
    except KeyError:
        raise UnsupportedError(f"the table {known.get('TableName')!r}") from None


def _known(parameters: Mapping[str, Any], names: set[str]) -> Mapping[str, Any]:
    """The parameters, if there are none besides these. Raises UnsupportedError."""
    others = {name.removesuffix(".$") for name in parameters} - names - {"TableName"}
    if others:
        raise UnsupportedError(f"the parameter {', '.join(sorted(others))} of DynamoDB")
    return parameters


def _written(store: Store, operation: Put | Update) -> dict[str, Any]:
    try:
        store.write(operation)
    except ConditionFailedError as error:
        raise StateError(CONDITION_FAILED, str(error)) from error
    except StoreBusyError as error:
        raise StateError(THROTTLED, str(error)) from error
    return {}
