"""`stepwell customer`: everything that is kept of one customer, as tables."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from functools import partial
from zoneinfo import ZoneInfo

from stepwell.cli.admin_api import CUSTOMER, add_place, admin_of, check_customer
from stepwell.cli.facts import facts_of
from stepwell.cli.knowing import computed_rows, list_rows, segment_rows, trait_rows
from stepwell.cli.printing import Local, Row, local_time, print_table, printable
from stepwell.customers.zones import zones_of
from stepwell.messages.receipts import Fate


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("customer", help="Show what is kept of one customer.")
    parser.add_argument("id", help="any id, email, phone or device token of theirs")
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the customer. Raises ApiError when there is none or the API cannot be asked."""
    check_customer(arguments.id)
    customer = admin_of(arguments).ask(CUSTOMER, arguments.id)
    if arguments.json:
        print(json.dumps(customer, indent=2))
    else:
        _show(customer)
    return 0


def _show(customer: Row) -> None:
    from rich.console import Console  # noqa: PLC0415 - only who looks at tables pays for it

    console = Console()
    profile = customer["profile"]
    zones = zones_of(profile, None)
    zone = zones[0] if len(zones) == 1 else ZoneInfo("UTC")
    console.print(f"[bold]{customer['customer']}[/bold]  (times of {zone.key})")
    local = partial(local_time, zone=zone)
    for name, text in facts_of(customer, local):
        line = printable(f"  {name}: {text}")
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    print_table(console, "traits", trait_rows(customer.get("traits", {}), local))
    print_table(console, "computed", computed_rows(customer.get("computed", {}), local))
    print_table(console, "segments", segment_rows(customer.get("segments", {}), local))
    print_table(console, "lists", list_rows(customer.get("lists", {}), local))
    print_table(console, "enrollments", _enrollments(customer.get("enrollments", []), local))
    print_table(console, "messages", _messages(customer.get("messages", []), local))
    print_table(console, "decisions", _decisions(customer.get("decisions", []), local))
    print_table(console, "hand-overs", _hand_overs(customer.get("hand_overs", []), local))
    print_table(console, "conversions", _conversions(customer.get("conversions", []), local))
    print_table(console, "merged", _merged(customer.get("merged", []), local))
    print_table(console, "not joined", _not_joined(customer.get("not_joined", []), local))


def _enrollments(rows: list[Row], local: Local) -> Iterator[Row]:
    for each in sorted(rows, key=lambda row: str(row["entered_at"]), reverse=True):
        ending = " ".join(filter(None, (each.get("outcome"), each.get("reason"))))
        yield {
            "entered": local(each["entered_at"]),
            "ended": local(each.get("ended_at")),
            "journey": each["journey"],
            "outcome": ending or each["status"],
        }


def _messages(rows: list[Row], local: Local) -> Iterator[Row]:
    told = any(_fates(each, local) for each in rows)
    for each in sorted(rows, key=lambda row: str(row["updated_at"]), reverse=True):
        yield {
            "time": local(each["updated_at"]),
            "message": f"{each['journey']}/{each['step']}",
            "status": each["status"],
            "channel": each.get("channel") or "",
            **({"became": _fates(each, local)} if told else {}),
        }


def _fates(message: Row, local: Local) -> str:
    """What providers told of it, by time."""
    known = {name: f"{name}_at" for name in (*Fate, *(f"machine_{each}" for each in Fate))}
    moments = sorted((message[at], name) for name, at in known.items() if at in message)
    reason = (message.get("failure") or {}).get("reason")
    return ", ".join(
        f"{name.replace('_', ' ')} {local(at)}" + (f" ({reason})" if name == Fate.FAILED else "")
        for at, name in moments
    )


def _decisions(rows: list[Row], local: Local) -> Iterator[Row]:
    for each in rows:
        yield {
            "time": local(each["at"]),
            "message": f"{each['journey']}/{each['step']}",
            "outcome": " ".join(filter(None, (each["outcome"], each.get("channel")))),
            "why": _why(each, local),
        }


def _why(decision: Row, local: Local) -> str:
    """The reason with what it was about: a missing variable, refusals, full caps, until when."""
    parts = [decision.get("reason"), decision.get("detail")]
    for rule in decision.get("rules", []):
        if rule.get("rule") == "caps" and rule.get("result") == "capped":
            parts += [name for full in rule["refused"].values() for name in full["full"]]
    if decision.get("until"):
        parts.append(f"until {local(decision['until'])}")
    return ", ".join(dict.fromkeys(str(part) for part in parts if part))


def _hand_overs(rows: list[Row], local: Local) -> Iterator[Row]:
    for each in sorted(rows, key=lambda row: str(row["at"]), reverse=True):
        yield {
            "time": local(each["at"]),
            "step": f"{each['journey']}/{each['step']}",
            "to": each["destination"],
            "outcome": str(each["outcome"]).replace("_", " "),
            "why": ", ".join(
                filter(None, (each["reason"], each.get("detail") or each.get("failure")))
            ),
        }


def _conversions(rows: list[Row], local: Local) -> Iterator[Row]:
    for each in rows:
        yield {
            "time": local(each["at"]),
            "journey": each["journey"],
            "event": each["name"],
            "value": str(each.get("value", "")),
        }


def _merged(rows: list[Row], local: Local) -> Iterator[Row]:
    for each in rows:
        yield {"time": local(each["at"]), "customer": each["customer"], "by": each["by"]}


def _not_joined(rows: list[Row], local: Local) -> Iterator[Row]:
    for each in rows:
        yield {"time": local(each["at"]), "identity": each["kind"], "why": each["why"]}
