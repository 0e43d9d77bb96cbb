"""The table of list prices: dated, each price with the page that has it. Reads `prices.yaml`.

The shipped table lies beside this module; another one may take its place. Errors name file and
line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stepwell.journeys.compiler.source import Source, parse_yaml

SHIPPED = "prices.yaml"

_SAID = {
    "missing": "is missing; the shipped table has it, to copy and change",
    "model_type": "has to be a mapping (key: value lines), as in the shipped table",
    "dict_type": "has to be a mapping (key: value lines), as in the shipped table",
    "extra_forbidden": "is not known here; correct its name or leave it out",
}

Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class PricesError(Exception):
    """The table or a choice of plans is wrong; `problems` has every reason, with file and line."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Sourced(_Strict):
    """`note` says where an unconfirmed price came from."""

    dollars: Dollars
    confirmed: bool = True
    note: str = ""

    @model_validator(mode="after")
    def _says_its_source(self) -> Self:
        if not self.confirmed and not self.note:
            raise ValueError("an unconfirmed price needs a `note` that says where it came from")
        return self


class Price(_Sourced):
    """`dollars` for `per` units, and `monthly` dollars whatever the number of units."""

    unit: str
    per: Annotated[int, Field(ge=1)] = 1
    monthly: Dollars = 0.0
    page: str

    def of(self, amount: float) -> float:
        return amount * self.dollars / self.per


class ServicePrice(Price):
    service: str


class Services(_Strict):
    """The prices of everything that the stack uses."""

    transition: ServicePrice
    express: ServicePrice
    express_time: ServicePrice
    invocation: ServicePrice
    function_time: ServicePrice
    write: ServicePrice
    read: ServicePrice
    storage: ServicePrice
    backup: ServicePrice
    fifo: ServicePrice
    queue: ServicePrice
    schedule: ServicePrice
    put: ServicePrice
    http: ServicePrice


class Monthly(_Strict):
    """The prices of what costs without being used."""

    key: ServicePrice
    secret: ServicePrice
    alarm: ServicePrice
    metric: ServicePrice
    firewall: ServicePrice
    firewall_rule: ServicePrice


class SmsPrice(_Sourced):
    """Dollars per segment: the provider's, and the carriers' on top."""

    carrier_fee: Dollars = 0.0


class SmsPlan(_Strict):
    """Prices by ISO 3166 country; `other` for the rest."""

    unit: str
    page: str
    countries: dict[Annotated[str, Field(pattern="^[A-Z]{2}$")], SmsPrice] = {}
    other: SmsPrice

    def price(self, country: str) -> Price:
        """The whole price of a segment; `country` is "" when nobody knows it."""
        found = self.countries.get(country, self.other)
        return Price(
            unit=self.unit,
            dollars=found.dollars + found.carrier_fee,
            page=self.page,
            confirmed=found.confirmed,
            note=found.note,
        )


class _Channel(_Strict):
    default: str

    @model_validator(mode="after")
    def _default_is_a_plan(self) -> Self:
        plans = self.plans  # type: ignore[attr-defined]  # every kind of channel has some
        if self.default not in plans:
            raise ValueError(f"there is no plan {self.default}; there are: {', '.join(plans)}")
        return self


class Channel(_Channel):
    plans: dict[str, Price]


class SmsChannel(_Channel):
    plans: dict[str, SmsPlan]


class Channels(_Strict):
    email: Channel
    push: Channel
    sms: SmsChannel

    def by_name(self) -> Mapping[str, Channel | SmsChannel]:
        return {"email": self.email, "push": self.push, "sms": self.sms}


class Assumptions(_Strict):
    """What a simulation cannot measure. Times are in seconds."""

    function_memory_gb: Positive
    express_memory_gb: Positive
    call_seconds: Dollars
    provider_seconds: Dollars
    put_seconds: Dollars
    own_seconds: Dollars
    events_per_request: Annotated[int, Field(ge=1, le=500)]
    events_per_batch: Annotated[int, Field(ge=1, le=10)]

    def function_seconds(
        self, calls: float, provider_calls: float, invocations: float, puts: float = 0.0
    ) -> float:
        """Seconds that functions are paid for."""
        return (
            calls * self.call_seconds
            + provider_calls * self.provider_seconds
            + puts * self.put_seconds
            + invocations * self.own_seconds
        )


class PriceTable(_Strict):
    as_of: date
    region: str
    currency: Literal["USD"] = "USD"
    services: Services
    monthly: Monthly
    channels: Channels
    assumptions: Assumptions

    def service(self, name: str) -> ServicePrice:
        price: ServicePrice = getattr(self.services, name)
        return price

    def dollars(self, amounts: Mapping[str, float]) -> dict[str, float]:
        """What amounts by the names of `services` cost, in the same order."""
        return {name: self.service(name).of(amount) for name, amount in amounts.items()}

    def plans(self, chosen: Mapping[str, str] | None = None) -> dict[str, str]:
        """The plan of every channel, by default the table's. Raises PricesError."""
        channels = self.channels.by_name()
        problems = []
        for channel, plan in (chosen or {}).items():
            if channel not in channels:
                problems.append(f"plan: there is no channel {channel}; there are: {_and(channels)}")
            elif plan not in channels[channel].plans:
                known = _and(channels[channel].plans)
                problems.append(f"plan: {channel} has no plan {plan}; there are: {known}")
        if problems:
            raise PricesError(problems)
        return {name: each.default for name, each in channels.items()} | dict(chosen or {})


def read_prices(path: Path | None = None) -> PriceTable:
    """The table in a file, or the shipped one. Raises PricesError with every problem."""
    if path is None:
        text = resources.files(__package__).joinpath(SHIPPED).read_text(encoding="utf-8")
        return parse_prices(text, SHIPPED)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PricesError([f"{path}:1: is no UTF-8 text; save it as UTF-8"]) from error
    except OSError as error:
        raise PricesError([f"{path}:1: cannot be read: {error.strerror}"]) from error
    return parse_prices(text, str(path))


def parse_prices(text: str, file: str) -> PriceTable:
    """The table in a text; `file` is the name used in problems. Raises PricesError."""
    source, problems = parse_yaml(text, file)
    if source is None:
        raise PricesError(
            f"{each.place.file}:{each.place.line}: {each.message}. {each.remedy}"
            for each in problems
        )
    try:
        return PriceTable.model_validate(source.data)
    except ValidationError as error:
        raise PricesError(_problem(source, each) for each in error.errors()) from error


def _problem(source: Source, error: Any) -> str:
    place = source.place(tuple(error["loc"]))
    path = ".".join(map(str, error["loc"])) or "the file"
    said = _SAID.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    return f"{place.file}:{place.line}: {path}: {said}"


def _and(names: Iterable[str]) -> str:
    return ", ".join(names)
