"""The section `context` of profile.yaml: what of an event's context is kept, for how long, how
closely and for which purposes. `profile.context.load_context` reads what is made of it here.

What is not declared is not kept; only the time zone is kept without an entry.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from stepwell.journeys.compiler.cel.kinds import DOUBLE, STRING, TIMESTAMP, Type, record
from stepwell.journeys.compiler.documents import Document, Duration, Text
from stepwell.journeys.compiler.problems import suggest
from stepwell.journeys.compiler.profile.declared import Declared
from stepwell.journeys.compiler.source import DataPath
from stepwell.profile.context import DEVICE, DEVICE_FIELDS, LOCALE, NAMES, PARTS, PLACE

FILE = "statemachines/profile.yaml"
SECTION = "context"
ZONE = "zone"

LONGEST_SECONDS = 10 * 366 * 86_400
CLOSEST_KM, COARSEST_KM = 0.1, 1_000

_NO_PURPOSE = "SW1041"
_LIMIT = "SW1042"


class PartDocument(Document):
    purposes: list[Text] = Field(min_length=1)
    keep: Duration


class PlaceDocument(PartDocument):
    precision_km: Annotated[float | None, Field(allow_inf_nan=False)] = None
    names: list[Literal["city", "region", "country"]] = Field(default=["city", "region", "country"])


class ZoneDocument(Document):
    keep: Literal["never"]


class ContextDocument(Document):
    """Each is looked at by itself, so that all that is wrong is said at once."""

    place: Any = None
    device: Any = None
    locale: Any = None
    zone: Any = None


_PARTS: dict[str, type[Document]] = {
    PLACE: PlaceDocument,
    DEVICE: PartDocument,
    LOCALE: PartDocument,
    ZONE: ZoneDocument,
}


def read_context(declared: Declared, purposes: Collection[str] | None) -> dict[str, Any]:
    """The section as a JSON document, empty when nothing is declared.

    `purposes` are those of policies.yaml, None when it cannot be read.
    """
    data = declared.source.data
    if not isinstance(data, dict) or SECTION not in data:
        return {}
    document = declared.section((SECTION,), ContextDocument)
    found: dict[str, Any] = {}
    for name in document.model_fields_set if document else ():
        part = declared.section((SECTION, name), _PARTS[name])
        if isinstance(part, ZoneDocument):
            found[ZONE] = False
        if isinstance(part, PartDocument):
            _check_part(declared, (SECTION, name), part, purposes)
            found[name] = _part(part)
    return found


def context_fields(document: Mapping[str, Any]) -> dict[str, Type]:
    """What conditions and templates may read of a customer by what is declared. Each field may be
    absent from a customer.
    """
    fields: dict[str, Type] = {LOCALE: STRING} if LOCALE in document else {}
    if DEVICE in document:
        texts = dict.fromkeys(DEVICE_FIELDS, STRING)
        fields[DEVICE] = record(texts | {"at": TIMESTAMP}, "a device")
    if PLACE in document:
        fields[PLACE] = _place_type(document[PLACE])
    return fields


def _place_type(document: Mapping[str, Any]) -> Type:
    fields = dict.fromkeys(document["names"], STRING) | {"at": TIMESTAMP}
    missing = f"Add it to `names` of {SECTION}.{PLACE} in {FILE}."
    absent = {name: missing for name in NAMES if name not in fields}
    coordinates = ("latitude", "longitude")
    if "precision_km" in document:
        fields |= dict.fromkeys(coordinates, DOUBLE)
    else:
        remedy = f"Add `precision_km:`, such as 1, to {SECTION}.{PLACE} in {FILE}."
        absent |= dict.fromkeys(coordinates, remedy)
    return record(fields, "a place", absent)


def context_absent(document: Mapping[str, Any]) -> dict[str, str]:
    """What could be declared and is not, with how to do so."""
    return {
        name: f"Declare it in {FILE}: `{SECTION}: {{{name}: {{purposes: […], keep: 30d}}}}`."
        for name in PARTS
        if name not in document
    }


def _part(part: PartDocument) -> dict[str, Any]:
    document: dict[str, Any] = {"purposes": part.purposes, "keep_seconds": part.keep}
    if isinstance(part, PlaceDocument):
        document |= {"names": [name for name in NAMES if name in part.names]}
        if part.precision_km is not None:
            document |= {"precision_km": float(part.precision_km)}
    return document


def _check_part(
    declared: Declared, path: DataPath, part: PartDocument, purposes: Collection[str] | None
) -> None:
    for index, purpose in enumerate(part.purposes):
        if purposes is not None and purpose not in purposes:
            remedy = f"{suggest(purpose, purposes)} Purposes are in policies.yaml."
            said = f"there is no purpose {purpose!r}"
            declared.report((*path, "purposes", index), _NO_PURPOSE, said, remedy)
    if part.keep > LONGEST_SECONDS:
        said = "it is kept for over ten years"
        declared.report((*path, "keep"), _LIMIT, said, "Write a time like 30d.")
    if isinstance(part, PlaceDocument):
        _check_place(declared, path, part)


def _check_place(declared: Declared, path: DataPath, part: PlaceDocument) -> None:
    precision = part.precision_km
    if precision is None and not part.names:
        remedy = "Add `precision_km:` for coordinates, or `names:` such as [country]."
        declared.report(path, _LIMIT, "nothing of a place is kept", remedy)
    if precision is not None and not CLOSEST_KM <= precision <= COARSEST_KM:
        said = f"{precision:g} km is no precision from {CLOSEST_KM:g} to {COARSEST_KM:,} km"
        remedy = "Write how coarse coordinates may be, such as 1."
        declared.report((*path, "precision_km"), _LIMIT, said, remedy)
