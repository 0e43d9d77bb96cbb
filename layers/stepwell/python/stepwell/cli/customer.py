"""`stepwell customer`: everything that is kept of one customer, as tables."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from stepwell.cli.http import DEFAULT_URL, ApiError, call

if TYPE_CHECKING:
    from rich.console import Console

_TIMES = {"at", "until", "entered_at", "ended_at"}
_TABLES: Mapping[str, tuple[str, ...]] = {
    "enrollments": ("journey", "status", "outcome", "reason", "entered_at", "ended_at"),
    "messages": ("journey", "step", "status", "channel", "purpose"),
    "decisions": ("at", "journey", "step", "outcome", "channel", "reason", "until"),
    "conversions": ("at", "journey", "name", "value"),
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("customer", help="Show what is kept of one customer.")
    parser.add_argument("id", help="the customer's id, user id or anonymous id")
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


def _show(customer: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only who looks at tables pays for it

    console = Console()
    console.print(f"[bold]{customer['customer']}[/bold]  (times are UTC)")
    profile = customer["profile"]
    pairs = {name: value for name, value in profile.items() if name not in ("traits", "addresses")}
    for name, value in [*pairs.items(), *profile.get("addresses", {}).items()]:
        console.print(f"  {name}: {value}", highlight=False, markup=False)
    for name, value in profile["traits"].items():
        console.print(f"  traits.{name}: {value}", highlight=False, markup=False)
    for name, grant in sorted(customer["consents"].items()):
        console.print(f"  consent {name}: {grant['status']} since {grant['at']}", markup=False)
    for name, columns in _TABLES.items():
        _table(console, name, columns, customer.get(name, []))


def _table(
    console: Console, title: str, columns: tuple[str, ...], rows: Iterable[dict[str, Any]]
) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415

    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(Text(_cell(column, row.get(column))) for column in columns))
    if table.row_count:
        console.print(table)


def _cell(column: str, value: Any) -> str:
    """Moments to the minute: they are compared by eye."""
    text = "" if value is None else str(value)
    return text[:16].replace("T", " ") if column in _TIMES else text
