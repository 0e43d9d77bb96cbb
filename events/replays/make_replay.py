"""Make a replay's events.jsonl from the orders.csv beside it.

    python events/replays/make_replay.py [events/replays/<name> …]

In: one line per invoice of a shop, local times of Europe/London. Out: calls of Segment's tracking
API, one JSON object a line, in the order of their time. The orders are real; everything about the
people is made up here, from the customer's number alone, so the same orders give the same bytes.
The replays' READMEs say what is made up, and why nobody can be reached by it. The first two days
have made-up customers with a story beside them, the year has none.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

Call = dict[str, Any]
Answers = dict[tuple[str, str], str]
"""(purpose, channel) -> "granted" or "revoked"."""

SHOP_ZONE = ZoneInfo("Europe/London")
CHANNELS = ("sms", "push", "email")
SIGNS_UP_BEFORE = timedelta(minutes=2)
WITH_STORY = "first_two_days"

COUNTRIES = {
    "United Kingdom": ("GB", "Europe/London"),
    "France": ("FR", "Europe/Paris"),
    "Germany": ("DE", "Europe/Berlin"),
    "Norway": ("NO", "Europe/Oslo"),
    "EIRE": ("IE", "Europe/Dublin"),
    "Australia": ("AU", "Australia/Sydney"),
    "Belgium": ("BE", "Europe/Brussels"),
    "Channel Islands": ("JE", "Europe/Jersey"),
    "Cyprus": ("CY", "Asia/Nicosia"),
    "Denmark": ("DK", "Europe/Copenhagen"),
    "Italy": ("IT", "Europe/Rome"),
    "Japan": ("JP", "Asia/Tokyo"),
    "Lithuania": ("LT", "Europe/Vilnius"),
    "Malta": ("MT", "Europe/Malta"),
    "Netherlands": ("NL", "Europe/Amsterdam"),
    "Portugal": ("PT", "Europe/Lisbon"),
    "Singapore": ("SG", "Asia/Singapore"),
    "Spain": ("ES", "Europe/Madrid"),
    "Switzerland": ("CH", "Europe/Zurich"),
}
UNKNOWN_COUNTRIES = frozenset({"Unspecified"})
PHONE_RANGES = {
    "GB": "+447700900{:03d}",  # Ofcom: 07700 900000 to 900999, for drama
    "FR": "+3363998{:04d}",  # Arcep: 06 39 98 xx xx, for audiovisual works
    "US": "+1212555{:04d}",  # NANPA: 555-0100 to 555-0199, for fiction
}
"""Mobile numbers that belong to nobody. Countries without such a range get no phone."""

FIRST_NAMES = (
    *("Ada", "Basil", "Clara", "Dev", "Edith", "Felix", "Greta", "Hugo", "Iris", "Jonah", "Kit"),
    *("Lena", "Milo", "Nora", "Otis", "Pia", "Quinn", "Rosa", "Silas", "Tess", "Una", "Victor"),
)
MAIL_DOMAINS = ("example.com", "example.org", "example.net")


@dataclass(frozen=True, slots=True)
class Order:
    """One line of orders.csv; `customer` is None for an invoice without one."""

    invoice: str
    at: datetime
    customer: str | None
    country: str
    kind: str
    lines: int
    quantity: int
    total: float
    product_id: str
    product_name: str


def read_orders(lines: Iterable[str]) -> list[Order]:
    """The orders and cancellations of orders.csv.

    Stock adjustments are left out, also those that are booked as orders of zero or less.
    """
    orders = [_read_order(row) for row in csv.DictReader(lines)]
    return [
        order
        for order in orders
        if order.kind == "cancelled" or (order.kind == "order" and order.total > 0)
    ]


def _read_order(row: dict[str, str]) -> Order:
    return Order(
        invoice=row["invoice"],
        at=datetime.fromisoformat(row["time"]).replace(tzinfo=SHOP_ZONE),
        customer=row["customer"] or None,
        country=row["country"],
        kind=row["kind"],
        lines=int(row["lines"]),
        quantity=int(row["quantity"]),
        total=float(row["total_gbp"]),
        product_id=row["top_stock_code"],
        product_name=" ".join(row["top_description"].split()),
    )


def make_calls(orders: list[Order], *, with_story: bool = True) -> list[Call]:
    """All calls of the replay, in the order of their time."""
    story = _story() if with_story else ()
    calls = [*story, *_sign_ups(orders), *_invoices(orders)]
    return sorted(calls, key=lambda call: call["timestamp"])


# ---------------------------------------------------------------- real orders


def _invoices(orders: list[Order]) -> Iterator[Call]:
    latest: dict[str | None, str] = {}
    for order in orders:
        sender = _sender(order)
        message_id = f"invoice-{order.invoice}"
        if order.kind == "cancelled":
            # The data does not say which order is cancelled: the customer's latest one, if any.
            properties = {
                "order_id": latest.get(order.customer, order.invoice),
                "cancellation_id": order.invoice,
                "total": -order.total,
                "currency": "GBP",
            }
            yield _track(sender, order.at, message_id, "Order Cancelled", properties)
            continue
        if order.customer:
            latest[order.customer] = order.invoice
        yield _track(sender, order.at, message_id, "Order Completed", _order_properties(order))


def _order_properties(order: Order) -> dict[str, Any]:
    # The extract names the first product of an invoice, and the pieces of the whole invoice only.
    product: dict[str, Any] = {"product_id": order.product_id, "name": order.product_name}
    if order.lines == 1:
        product["quantity"] = order.quantity
    return {
        "order_id": order.invoice,
        "total": order.total,
        "revenue": order.total,
        "currency": "GBP",
        "lines": order.lines,
        "quantity": order.quantity,
        "products": [product],
    }


def _sender(order: Order) -> Call:
    if order.customer:
        return {"userId": f"customer-{order.customer}"}
    return {"anonymousId": f"anonymous-{order.invoice}"}


# ---------------------------------------------------------------- made-up people


def _sign_ups(orders: list[Order]) -> Iterator[Call]:
    """Who each customer is, and what they agreed to, two minutes before their first invoice."""
    seen: set[str] = set()
    for order in orders:
        if order.customer and order.customer not in seen:
            seen.add(order.customer)
            yield from _sign_up(order.customer, order.country, len(seen), order.at)


def _sign_up(number: str, country: str, index: int, first_order: datetime) -> Iterator[Call]:
    user, at = f"customer-{number}", first_order - SIGNS_UP_BEFORE
    traits: dict[str, Any] = {
        "first_name": _pick(FIRST_NAMES, user, "name"),
        "email": f"{user}@{_pick(MAIL_DOMAINS, user, 'mail')}",
    }
    if country not in UNKNOWN_COUNTRIES:
        traits |= _place(*COUNTRIES[country], index, _percent(user, "place"))
    token = _token(user) if _percent(user, "device") < 60 else None
    yield _identify(user, at, traits, token)
    yield from _consents(user, at, _answers(user))


def _place(code: str, zone: str, index: int, percent: int) -> dict[str, Any]:
    """What somebody tells of where they live: 4 of 100 nothing, another 8 no zone."""
    traits: dict[str, Any] = {}
    if percent >= 4:
        traits["country"] = code
        if code in PHONE_RANGES:
            traits["phone"] = PHONE_RANGES[code].format(index)
    if percent >= 12:
        traits["timezone"] = zone
    return traits


def _answers(user: str) -> Answers:
    """What the customer said about messages; what is not named, nobody asked."""
    share = _percent(user, "consent")
    if share < 60:
        return {("marketing", channel): "granted" for channel in CHANNELS}
    if share < 75:
        return {("marketing", "email"): "granted"}
    if share < 85:
        return {
            ("marketing", "sms"): "revoked",
            ("marketing", "push"): "granted",
            ("marketing", "email"): "granted",
        }
    if share < 93:
        return {("marketing", channel): "revoked" for channel in CHANNELS}
    return {("service", "email"): "revoked"} if share < 96 else {}


# ---------------------------------------------------------------- made-up stories


def _story() -> Iterator[Call]:
    yield from _dress()
    yield from _quick_buyer()
    yield from _two_carts()
    yield from _trials()


def _dress() -> Iterator[Call]:
    """A $280 dress stays in the cart on a Tuesday at 21:14 in New York, until the next evening."""
    user = "cart-customer"
    evening = datetime(2010, 11, 30, 21, 14, tzinfo=ZoneInfo("America/New_York"))
    yield from _person(user, evening - timedelta(minutes=14), "Vera", "US", "America/New_York", 142)
    cart = {"cart_id": "cart-280", "cart_value": 280.0, "currency": "USD"}
    dress = {"product_id": "dress-7", "name": "Silk midi dress", "price": 280.0, "quantity": 1}
    yield _track({"userId": user}, evening, "cart-280-dress", "Product Added", cart | dress)
    order = {"order_id": "dress-order", "total": 415.0, "revenue": 415.0, "currency": "USD"}
    products = [
        {"product_id": "dress-7", "name": "Silk midi dress", "quantity": 1},
        {"product_id": "belt-2", "name": "Leather belt", "quantity": 1},
    ]
    bought = evening.replace(month=12, day=1, hour=19, minute=30)
    yield _track(
        {"userId": user}, bought, "dress-order", "Order Completed", order | {"products": products}
    )


def _quick_buyer() -> Iterator[Call]:
    """Two products in a cart, ordered before 45 silent minutes are over."""
    user = "quick-buyer"
    start = datetime(2010, 12, 1, 12, 10, tzinfo=SHOP_ZONE)
    yield from _person(user, start - timedelta(minutes=5), "Walter", "GB", "Europe/London", 901)
    cart = {"cart_id": "cart-95", "currency": "GBP", "quantity": 1}
    for minutes, value, product_id, name, price in (
        (0, 60.0, "lamp-1", "Reading lamp", 60.0),
        (10, 95.0, "shade-4", "Linen lampshade", 35.0),
    ):
        product = {"product_id": product_id, "name": name, "price": price, "cart_value": value}
        at = start + timedelta(minutes=minutes)
        yield _track({"userId": user}, at, f"cart-95-{product_id}", "Product Added", cart | product)
    order = {"order_id": "lamp-order", "total": 95.0, "revenue": 95.0, "currency": "GBP"}
    products = [{"product_id": "lamp-1", "name": "Reading lamp", "quantity": 1}]
    at = start + timedelta(minutes=30)
    yield _track(
        {"userId": user}, at, "lamp-order", "Order Completed", order | {"products": products}
    )


def _two_carts() -> Iterator[Call]:
    """Two carts left alone on one afternoon, which is more than the caps of a day take."""
    user = "two-carts"
    start = datetime(2010, 12, 1, 13, 0, tzinfo=SHOP_ZONE)
    yield from _person(user, start - timedelta(minutes=5), "Zoe", "GB", "Europe/London", 904)
    for hours, cart_id, name, price in (
        (0, "cart-120", "Picnic hamper", 120.0),
        (2, "cart-75", "Enamel teapot", 75.0),
    ):
        cart = {"cart_id": cart_id, "cart_value": price, "currency": "GBP"}
        product = {"product_id": f"{cart_id}-1", "name": name, "price": price, "quantity": 1}
        at = start + timedelta(hours=hours)
        yield _track({"userId": user}, at, f"{cart_id}-added", "Product Added", cart | product)


def _trials() -> Iterator[Call]:
    """Two trials: one customer acts on the next day, the other one, up at night, never does."""
    for user, name, phone, hour, minute in (
        ("trial-active", "Xenia", 902, 9, 30),
        ("trial-quiet", "Yann", 903, 22, 40),
    ):
        start = datetime(2010, 12, 1, hour, minute, tzinfo=SHOP_ZONE)
        yield from _person(user, start - timedelta(minutes=1), name, "GB", "Europe/London", phone)
        plan = {"plan": "team"}
        yield _track({"userId": user}, start, f"{user}-started", "Trial Started", plan)
    acts = datetime(2010, 12, 2, 11, 5, tzinfo=SHOP_ZONE)
    action = {"action": "project_created"}
    yield _track({"userId": "trial-active"}, acts, "trial-active-acts", "First Action", action)


def _person(
    user: str, at: datetime, name: str, country: str, zone: str, phone: int
) -> Iterator[Call]:
    """Somebody who is reachable on every channel and agreed to all of them."""
    traits = {
        "first_name": name,
        "email": f"{user}@example.com",
        "phone": PHONE_RANGES[country].format(phone),
        "country": country,
        "timezone": zone,
    }
    yield _identify(user, at, traits, _token(user))
    both = [(purpose, channel) for purpose in ("marketing", "service") for channel in CHANNELS]
    yield from _consents(user, at, dict.fromkeys(both, "granted"))


# ---------------------------------------------------------------- calls


def _identify(user: str, at: datetime, traits: dict[str, Any], token: str | None) -> Call:
    call: Call = {"type": "identify", "messageId": f"{user}-identify", "userId": user}
    call |= {"timestamp": _utc(at), "traits": traits}
    if token:
        call["context"] = {"device": {"type": "ios", "token": token}}
    return call


def _consents(user: str, at: datetime, answers: Answers) -> Iterator[Call]:
    """One answer a second, so that their order is not left to chance."""
    for seconds, ((purpose, channel), status) in enumerate(answers.items(), start=1):
        properties = {"purpose": purpose, "channel": channel, "status": status}
        message_id = f"{user}-consent-{purpose}-{channel}"
        moment = at + timedelta(seconds=seconds)
        yield _track({"userId": user}, moment, message_id, "Consent Updated", properties)


def _track(
    sender: Call, at: datetime, message_id: str, event: str, properties: dict[str, Any]
) -> Call:
    head = {"type": "track", "messageId": message_id, **sender, "timestamp": _utc(at)}
    return head | {"event": event, "properties": properties}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _percent(*parts: str) -> int:
    """A number from 0 to 99 that depends on nothing but the parts."""
    return int(hashlib.sha256("#".join(parts).encode()).hexdigest()[:8], 16) % 100


def _pick(choices: tuple[str, ...], *parts: str) -> str:
    digest = hashlib.sha256("#".join(parts).encode()).hexdigest()
    return choices[int(digest[:8], 16) % len(choices)]


def _token(user: str) -> str:
    """Shaped like an APNs device token."""
    return hashlib.sha256(f"device of {user}".encode()).hexdigest()


def write_replay(folder: Path) -> str:
    """The text of the folder's events.jsonl, from its orders.csv."""
    with (folder / "orders.csv").open(encoding="utf-8", newline="") as lines:
        calls = make_calls(read_orders(lines), with_story=folder.name == WITH_STORY)
    return "".join(json.dumps(call, ensure_ascii=False) + "\n" for call in calls)


if __name__ == "__main__":
    replays = [path.parent for path in sorted(Path(__file__).parent.glob("*/orders.csv"))]
    for target in [Path(each) for each in sys.argv[1:]] or replays:
        text = write_replay(target)
        (target / "events.jsonl").write_text(text, encoding="utf-8")
        print(f"{target}/events.jsonl: {text.count(chr(10))} events")
