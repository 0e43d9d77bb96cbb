"""`stepwell write-keys`: the keys that apps send events with, in a stage's AWS account."""

from __future__ import annotations

import argparse
import dataclasses
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError
from stepwell.events.model import EventType

if TYPE_CHECKING:
    from stepwell.aws.write_key_register import WriteKeyRegister


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("write-keys", help="Add, list and revoke the keys of sources.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="make a key; it is shown this once")
    add.add_argument("source", help="what sends with it, such as web or shop")
    add.add_argument(
        "--types", help=f"calls that it may send, of {','.join(EventType)} (default: all)"
    )
    add.add_argument(
        "--tier", default="", help="how many calls the source may send (default: standard)"
    )
    tier = actions.add_parser("tier", help="change how many calls a source may send")
    tier.add_argument("source", help="what sends")
    tier.add_argument("tier", help="one of the stage's tiers, such as standard")
    revoke = actions.add_parser("revoke", help="end a key, within a minute")
    revoke.add_argument("source", help="what sends with it")
    revoke.add_argument("id", help="the key's id, as list shows it")
    listed = actions.add_parser("list", help="all keys, those that have ended too")
    for action in (add, tier, revoke, listed):
        action.add_argument("--stage", default="dev", help="local, dev or prod (default: dev)")
        action.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """0 when it is done. Raises CommandError when it cannot be."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - dear

    from stepwell.aws.clients import client  # noqa: PLC0415 - as above
    from stepwell.aws.dynamodb import DynamoStore  # noqa: PLC0415
    from stepwell.aws.usage_plans import TierError, UsagePlans  # noqa: PLC0415
    from stepwell.aws.write_key_register import WriteKeyError, WriteKeyRegister  # noqa: PLC0415

    stage = arguments.stage
    table = f"stepwell-{stage}-customers"
    try:
        store = DynamoStore(client("dynamodb"), table)
        register = WriteKeyRegister(store, UsagePlans(client("apigateway"), stage))
        _ACTIONS[arguments.action](register, arguments)
    except (TierError, WriteKeyError) as error:
        raise CommandError(str(error)) from error
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"table {table} and usage plans of stage {stage}: {error}") from error
    return 0


def _add(register: WriteKeyRegister, arguments: argparse.Namespace) -> None:
    key_id, key = register.add(
        arguments.source, _types(arguments.types), datetime.now(UTC), arguments.tier
    )
    if arguments.json:
        print(json.dumps({"id": key_id, "source": arguments.source, "key": key}))
        return
    print(key)
    print(f"\nThe write key {key_id} of {arguments.source}; it is shown this once.")


def _tier(register: WriteKeyRegister, arguments: argparse.Namespace) -> None:
    register.set_tier(arguments.source, arguments.tier)
    result = {"source": arguments.source, "tier": arguments.tier}
    said = f"{arguments.source} is in tier {arguments.tier} within a minute."
    print(json.dumps(result) if arguments.json else said)


def _revoke(register: WriteKeyRegister, arguments: argparse.Namespace) -> None:
    register.revoke(arguments.source, arguments.id, datetime.now(UTC))
    result = {"id": arguments.id, "source": arguments.source, "revoked": True}
    said = f"The write key {arguments.id} of {arguments.source} ends within a minute."
    print(json.dumps(result) if arguments.json else said)


def _list(register: WriteKeyRegister, arguments: argparse.Namespace) -> None:
    listed = register.list_all()
    if arguments.json:
        print(json.dumps([dataclasses.asdict(each) for each in listed], indent=2))
        return
    if not listed:
        print("There is no write key. Add one: stepwell write-keys add shop")
    for each in listed:
        state = f"revoked {each.revoked_at}" if each.revoked_at else "live"
        types = "all" if set(each.types) == set(EventType) else ",".join(each.types)
        tier = each.tier or "no tier"
        print(f"{each.source:20} {tier:10} {each.id}  added {each.added_at}  {state:32} {types}")


_ACTIONS = {"add": _add, "tier": _tier, "revoke": _revoke, "list": _list}


def _types(text: str | None) -> frozenset[EventType]:
    names = text.split(",") if text is not None else list(EventType)
    unknown = [name for name in names if name not in list(EventType)]
    if unknown:
        raise CommandError(
            f"--types: {', '.join(map(repr, unknown))}; write some of {','.join(EventType)}"
        )
    return frozenset(map(EventType, names))
