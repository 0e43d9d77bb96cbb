"""The policies file's format as pydantic models; all its problems at once. Design time only."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import time
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from stepwell.customers.contacts import plain_phone
from stepwell.customers.zones import load_zone
from stepwell.messages.channels import Channel
from stepwell.messages.policies import Machines, PoliciesError, Problem
from stepwell.messages.policies_problems import message_of

WHOLE = "the file"
"""The path of what is wrong with all of it."""
_DAY = 24 * 60
"""Minutes."""
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def _seconds(value: object) -> object:
    match = re.fullmatch(r"(\d{1,6})([smhd])", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration such as 15m, 24h or 7d is expected")
    return int(match[1]) * _SECONDS[match[2]]


def _local_time(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('a local time such as "21:00" is expected')
    return time.fromisoformat(value)


def _zone_name(value: object) -> object:
    if not isinstance(value, str) or load_zone(value) is None:
        raise ValueError("an IANA time zone such as Europe/London is expected")
    return value


def _blocked(value: object) -> object:
    """As they are compared: phone numbers in E.164, others in small letters without outer space."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError('a text such as "shared-tablet" is expected, in quotes')
    return plain_phone(value) or value.strip().lower()


BlockedValue = Annotated[str, BeforeValidator(_blocked)]
Duration = Annotated[int, BeforeValidator(_seconds)]
LocalTime = Annotated[time, BeforeValidator(_local_time)]
Zone = Annotated[str, BeforeValidator(_zone_name)]
Consent = Literal["required", "assumed"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PurposeModel(_Strict):
    consent: Consent
    consent_on: dict[Channel, Consent] = {}
    capped: bool
    goes_first: Annotated[bool, Field(strict=True)] = False
    after_unknown_outcome: Literal["drop", "resend"]


class CapModel(_Strict):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    purposes: Annotated[list[str], Field(min_length=1)]
    channels: list[Channel] = []
    at_most: Annotated[int, Field(ge=1, strict=True)]
    per: Annotated[Duration, Field(ge=1, le=366 * 86_400)]


class QuietHoursModel(_Strict):
    purposes: Annotated[list[str], Field(min_length=1)]
    channels: Annotated[list[Channel], Field(min_length=1)]
    start: Annotated[LocalTime, Field(alias="from")]
    end: Annotated[LocalTime, Field(alias="to")]


class LimitModel(_Strict):
    at_most: Annotated[int, Field(ge=1, le=100, strict=True)]
    per: Annotated[Duration, Field(ge=3_600, le=366 * 86_400)]


class LimitsModel(_Strict):
    user_id: LimitModel | None = None
    anonymous_id: LimitModel | None = None
    email: LimitModel | None = None
    phone: LimitModel | None = None


class IdentitiesModel(_Strict):
    limits: LimitsModel = LimitsModel()
    shared: list[Literal["email", "phone"]] = []
    blocked: Annotated[list[BlockedValue], Field(max_length=1_000)] = []
    trust_addresses: Annotated[bool, Field(strict=True)] = False


class MachinesModel(_Strict):
    agents: list[Annotated[str, Field(min_length=1)]] = list(Machines().agents)
    proxies: list[Annotated[str, Field(min_length=1)]] = list(Machines().proxies)
    within: Annotated[Duration, Field(le=3_600)] = Machines().within_seconds


class PromotionHoldModel(_Strict):
    purposes: Annotated[list[str], Field(min_length=1)]
    segments: Annotated[list[str], Field(min_length=1)]


class PoliciesModel(_Strict):
    purposes: Annotated[dict[str, PurposeModel], Field(min_length=1)]
    caps: list[CapModel] = []
    quiet_hours: list[QuietHoursModel] = []
    spread: Annotated[Duration, Field(le=6 * 3_600)] = 0
    max_asks: Annotated[int, Field(ge=1, le=100, strict=True)] = 12
    default_zone: Zone | None = None
    keep_records: Annotated[Duration, Field(ge=86_400)] = 400 * 86_400
    identities: IdentitiesModel = IdentitiesModel()
    machines: MachinesModel | None = None
    promotion_hold: PromotionHoldModel | None = None


def read_policies(yaml_text: str | bytes) -> dict[str, Any]:
    """The validated file as the JSON document that `policies.load_policies` reads.

    Raises PoliciesError with all problems.
    """
    raw = _parse(yaml_text)
    problems = list(_reference_problems(raw))
    try:
        model = PoliciesModel.model_validate(raw)
    except ValidationError as error:
        problems += [
            Problem(_path(each["loc"]) or WHOLE, message_of(each)) for each in error.errors()
        ]
        raise _located(raw, problems) from error
    problems += _always_quiet(model.quiet_hours)
    if problems:
        raise _located(raw, problems)
    return _document(model)


def _located(raw: Any, problems: list[Problem]) -> PoliciesError:
    located = (Problem(each.path, each.message, _line(raw, each.path)) for each in problems)
    return PoliciesError(tuple(sorted(located, key=lambda each: (each.line, each.path))))


def _parse(yaml_text: str | bytes) -> Any:
    try:
        text = yaml_text if isinstance(yaml_text, str) else yaml_text.decode("utf-8-sig")
        return YAML(typ="rt").load(io.StringIO(text))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PoliciesError((Problem(WHOLE, "no UTF-8 text", line),)) from error
    except ReaderError as error:
        said = f"no readable YAML: a control character at position {error.position}"
        raise PoliciesError((Problem(WHOLE, said, 1),)) from error
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise PoliciesError(
            (Problem(WHOLE, f"no readable YAML: {error.problem}", line),)
        ) from error


def _reference_problems(raw: Any) -> Iterator[Problem]:
    """What no single field shows; on the raw file, so that it comes with the other problems."""
    purposes = raw.get("purposes") if isinstance(raw, Mapping) else None
    if not isinstance(purposes, Mapping):
        return
    for list_name, entry, path in _entries(raw):
        named = entry.get("purposes")
        for index, name in enumerate(named if isinstance(named, list) else []):
            yield from _purpose_problems(purposes, name, list_name, f"{path}.purposes[{index}]")
        if list_name == "quiet_hours" and entry.get("from") == entry.get("to"):
            yield Problem(path, "`from` and `to` are the same time: it would always be quiet")
    names = [entry.get("name") for list_name, entry, _ in _entries(raw) if list_name == "caps"]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Problem(
                f"caps[{index}].name",
                f"another cap is named {name}; the record needs distinct names",
            )


def _always_quiet(quiet_hours: Sequence[QuietHoursModel]) -> Iterator[Problem]:
    """Several may cover the day together: then nothing would ever go."""
    quiet: dict[tuple[str, str], set[int]] = {}
    for index, each in enumerate(quiet_hours):
        start, end = (moment.hour * 60 + moment.minute for moment in (each.start, each.end))
        minutes = {minute % _DAY for minute in range(start, end + (_DAY if end < start else 0))}
        for purpose, channel in product(each.purposes, each.channels):
            known = quiet.setdefault((purpose, channel), set())
            if len(known) < _DAY == len(known | minutes):
                said = f"with those above it would always be quiet for {purpose} on {channel}"
                yield Problem(f"quiet_hours[{index}]", said)
            known |= minutes


def _entries(raw: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    for list_name in ("caps", "quiet_hours"):
        entries = raw.get(list_name)
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, Mapping):
                yield list_name, entry, f"{list_name}[{index}]"
    hold = raw.get("promotion_hold")
    if isinstance(hold, Mapping):
        yield "promotion_hold", hold, "promotion_hold"


def _purpose_problems(
    purposes: Mapping[Any, Any], name: object, list_name: str, path: str
) -> Iterator[Problem]:
    if name not in purposes:
        yield Problem(path, f"there is no purpose {name}; known: {', '.join(map(str, purposes))}")
        return
    purpose = purposes[name]
    if list_name == "caps" and isinstance(purpose, Mapping) and purpose.get("capped") is False:
        yield Problem(path, f"purpose {name} is exempt from caps (capped: false)")


def _document(model: PoliciesModel) -> dict[str, Any]:
    return {
        "purposes": {name: each.model_dump() for name, each in model.purposes.items()},
        "caps": [{**cap.model_dump(exclude={"per"}), "seconds": cap.per} for cap in model.caps],
        "quiet_hours": [
            {
                "purposes": each.purposes,
                "channels": list(each.channels),
                "start": each.start.isoformat("minutes"),
                "end": each.end.isoformat("minutes"),
            }
            for each in model.quiet_hours
        ],
        "spread_seconds": model.spread,
        "max_asks": model.max_asks,
        "default_zone": model.default_zone,
        "keep_seconds": model.keep_records,
        "identities": {
            "limits": {
                kind: {"at_most": limit.at_most, "seconds": limit.per}
                for kind, limit in model.identities.limits
                if limit is not None
            },
            "shared": sorted(model.identities.shared),
            "blocked": sorted(model.identities.blocked),
            "trust_addresses": model.identities.trust_addresses,
        },
        **({"machines": _machines(model.machines)} if model.machines else {}),
        **({"promotion_hold": model.promotion_hold.model_dump()} if model.promotion_hold else {}),
    }


def _machines(model: MachinesModel) -> dict[str, Any]:
    return {
        "agents": model.agents,
        "proxies": model.proxies,
        "within_seconds": model.within,
    }


def _path(location: tuple[int | str, ...]) -> str:
    """`("caps", 1, "per")` as `caps[1].per`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".").removesuffix(".[key]")


def _line(raw: Any, path: str) -> int:
    """The line of the deepest part of the path that the file has."""
    line = 0
    for part in re.findall(r"[^.\[\]]+", path):
        key: int | str = int(part) if part.isdigit() else part
        try:
            marks = raw.lc  # what ruamel.yaml adds to the mappings and lists it reads
            line = (marks.key(key) if isinstance(raw, Mapping) else marks.item(key))[0] + 1
            raw = raw[key]
        except (KeyError, IndexError, AttributeError, TypeError):
            break
    return line
