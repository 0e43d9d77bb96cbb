"""`stepwell customer`: everything that is kept of one customer, as tables."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from stepwell.cli.http import DEFAULT_URL, ApiError, call
from stepwell.customers.zones import zones_of
from stepwell.messages.receipts import Fate
from stepwell.timestamps import from_text

if TYPE_CHECKING:
    from rich.console import Console

Row = dict[str, Any]

_INTERNAL = {"traits", "addresses", "seq", "updated_at", "merged", "former", "signals"}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("customer", help="Show what is kept of one customer.")
    parser.add_argument("id", help="any id, email, phone or device token of theirs")
    parser.add_argument("--url", default=DEFAULT_URL, help="the API (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the customer; 1 when there is none or the API cannot be asked."""
    try:
        customer = fetch(arguments.id, arguments.url)
    except ApiError as error:
        print(f"stepwell customer: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(customer, indent=2))
    else:
        _show(customer)
    return 0


def fetch(name: str, url: str) -> dict[str, Any]:
    """The customer's overview. Raises ApiError."""
    address = f"{url.rstrip('/')}/admin/customers/{quote(name, safe='')}"
    answer = call("GET", address, headers=_signed(address) if is_aws_api(url) else {})
    if answer.status != 200 or not isinstance(answer.body, dict):
        message = answer.body.get("message") if isinstance(answer.body, dict) else answer.body
        raise ApiError(f"{url} answered {answer.status}: {message}")
    return answer.body


def is_aws_api(url: str) -> bool:
    """Whether the URL is an API Gateway's own, which checks signatures."""
    host = urlsplit(url).hostname or ""
    return ".execute-api." in host and host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


def _signed(address: str) -> Mapping[str, str]:
    from stepwell.aws.signing import NoCredentialsError, signed_headers  # noqa: PLC0415 - boto3

    try:
        return signed_headers("GET", address)
    except NoCredentialsError as error:
        raise ApiError(str(error)) from error


def _show(customer: Row) -> None:
    from rich.console import Console  # noqa: PLC0415 - only who looks at tables pays for it

    console = Console()
    profile = customer["profile"]
    zones = zones_of(profile, None)
    zone = zones[0] if len(zones) == 1 else ZoneInfo("UTC")
    console.print(f"[bold]{customer['customer']}[/bold]  (times of {zone.key})")
    for name, value in _facts(customer).items():
        console.print(f"  {name}: {value}", highlight=False, markup=False, soft_wrap=True)
    local = partial(_local, zone=zone)
    _table(console, "enrollments", _enrollments(customer.get("enrollments", []), local))
    _table(console, "messages", _messages(customer.get("messages", []), local))
    _table(console, "decisions", _decisions(customer.get("decisions", []), local))
    _table(console, "conversions", _conversions(customer.get("conversions", []), local))
    _table(console, "merged", _merged(customer.get("merged", []), local))
    _table(console, "not joined", _not_joined(customer.get("not_joined", []), local))


def _facts(customer: Row) -> Row:
    profile = customer["profile"]
    facts = {name: value for name, value in profile.items() if name not in _INTERNAL}
    facts |= profile.get("addresses", {})
    facts |= {f"traits.{name}": value for name, value in profile["traits"].items()}
    facts |= {f"signal {name}": _made(each) for name, each in profile.get("signals", {}).items()}
    grants = sorted(customer["consents"].items())
    return facts | {f"consent {name}": f"{each['status']} {each['at']}" for name, each in grants}


def _made(signal: Row) -> str:
    """What a signal is, and what made it so."""
    score = f" with {signal['score']}" if "score" in signal else ""
    return f"{signal['value']}, by {signal['rule']}{score} {signal['at']}"


def _enrollments(rows: list[Row], local: Callable[[Any], str]) -> Iterator[Row]:
    for each in sorted(rows, key=lambda row: str(row["entered_at"]), reverse=True):
        ending = " ".join(filter(None, (each.get("outcome"), each.get("reason"))))
        yield {
            "entered": local(each["entered_at"]),
            "ended": local(each.get("ended_at")),
            "journey": each["journey"],
            "outcome": ending or each["status"],
        }


def _messages(rows: list[Row], local: Callable[[Any], str]) -> Iterator[Row]:
    told = any(_fates(each, local) for each in rows)
    for each in sorted(rows, key=lambda row: str(row["updated_at"]), reverse=True):
        yield {
            "time": local(each["updated_at"]),
            "message": f"{each['journey']}/{each['step']}",
            "status": each["status"],
            "channel": each.get("channel") or "",
            **({"became": _fates(each, local)} if told else {}),
        }


def _fates(message: Row, local: Callable[[Any], str]) -> str:
    """What providers told of it, by time."""
    known = {name: f"{name}_at" for name in (*Fate, *(f"machine_{each}" for each in Fate))}
    moments = sorted((message[at], name) for name, at in known.items() if at in message)
    reason = (message.get("failure") or {}).get("reason")
    return ", ".join(
        f"{name.replace('_', ' ')} {local(at)}" + (f" ({reason})" if name == Fate.FAILED else "")
        for at, name in moments
    )


def _decisions(rows: list[Row], local: Callable[[Any], str]) -> Iterator[Row]:
    for each in rows:
        yield {
            "time": local(each["at"]),
            "message": f"{each['journey']}/{each['step']}",
            "outcome": " ".join(filter(None, (each["outcome"], each.get("channel")))),
            "why": _why(each, local),
        }


def _why(decision: Row, local: Callable[[Any], str]) -> str:
    """The reason with what it was about: a missing variable, refusals, full caps, until when."""
    parts = [decision.get("reason"), decision.get("detail")]
    for rule in decision.get("rules", []):
        if rule.get("rule") == "caps" and rule.get("result") == "capped":
            parts += [name for full in rule["refused"].values() for name in full["full"]]
    if decision.get("until"):
        parts.append(f"until {local(decision['until'])}")
    return ", ".join(dict.fromkeys(str(part) for part in parts if part))


def _conversions(rows: list[Row], local: Callable[[Any], str]) -> Iterator[Row]:
    for each in rows:
        yield {
            "time": local(each["at"]),
            "journey": each["journey"],
            "event": each["name"],
            "value": str(each.get("value", "")),
        }


def _merged(rows: list[Row], local: Callable[[Any], str]) -> Iterator[Row]:
    for each in rows:
        yield {"time": local(each["at"]), "customer": each["customer"], "by": each["by"]}


def _not_joined(rows: list[Row], local: Callable[[Any], str]) -> Iterator[Row]:
    for each in rows:
        yield {"time": local(each["at"]), "identity": each["kind"], "why": each["why"]}


def _local(text: Any, *, zone: ZoneInfo) -> str:
    """To the minute: moments are compared by eye."""
    return f"{from_text(text).astimezone(zone):%Y-%m-%d %H:%M}" if text else ""


def _table(console: Console, title: str, rows: Iterable[Row]) -> None:
    """Columns without borders; what does not fit goes on in the next line, nothing is cut off."""
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    shown = list(rows)
    if not shown:
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in shown[0]:
        is_time = column in {"time", "entered", "ended"}
        table.add_column(column, header_style="dim", overflow="fold", no_wrap=is_time)
    for row in shown:
        table.add_row(*(Text(str(value)) for value in row.values()))
    console.print()
    console.print(table)
