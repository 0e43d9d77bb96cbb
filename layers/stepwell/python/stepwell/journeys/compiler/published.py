"""What of the event registry is published: the versions that apps may be sending.

`events/registry.lock.json` is committed beside the schemas and made by `stepwell events publish`:
each published version without its annotations, and the numbers of those that were retired. A
version in it may change only as `evolution` allows, and is not taken away before it is retired.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepwell.journeys.compiler.checks.subject import Subject, matches
from stepwell.journeys.compiler.evolution import narrowings, without_annotations
from stepwell.journeys.compiler.problems import Place, Problem
from stepwell.journeys.compiler.project import SCHEMAS
from stepwell.journeys.compiler.registry import EventRegistry, schema_file

LOCK = "events/registry.lock.json"
_PUBLISH = "stepwell events publish"

Versions = Mapping[str, Mapping[int, Mapping[str, Any]]]


class PublishedError(Exception):
    """The lock file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Published:
    """`versions` as in the registry; `retired`: the event's name -> numbers that are used up."""

    versions: Versions = field(default_factory=dict)
    retired: Mapping[str, Collection[int]] = field(default_factory=dict)

    def text(self) -> str:
        document = {
            "about": f"made by `{_PUBLISH}`; change events/schemas/ instead",
            "events": {
                name: {str(number): each[number] for number in sorted(each)}
                for name, each in sorted(self.versions.items())
            },
            "retired": {name: sorted(each) for name, each in sorted(self.retired.items())},
        }
        return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def read_published(root: Path) -> Published:
    """Raises PublishedError; a project without the file has published nothing."""
    path = root / LOCK
    if not path.is_file():
        return Published()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        versions = {
            name: {int(number): dict(schema) for number, schema in each.items()}
            for name, each in document["events"].items()
        }
        retired = {name: [*map(int, each)] for name, each in document["retired"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = f"{LOCK} is not as `{_PUBLISH}` writes it: {error!r}; take it from git again"
        raise PublishedError(said) from error
    return Published(versions, retired)


def now_published(
    registry: EventRegistry, before: Published, retired: Mapping[str, Collection[int]]
) -> Published:
    """What is published once the registry is, with more versions retired."""
    versions = {
        name: {number: without_annotations(dict(schema)) for number, schema in each.items()}
        for name, each in registry.versions.items()
    }
    names = before.retired.keys() | retired.keys()
    return Published(
        versions,
        {name: {*before.retired.get(name, ()), *retired.get(name, ())} for name in names},
    )


def check_senders(
    registry: EventRegistry, published: Published, subjects: Collection[Subject]
) -> list[Problem]:
    """Every change to a published version that an app could not live with."""
    return sorted(
        [
            *_broken(registry, published),
            *_gone(registry, published, subjects),
            *_used_up(registry, published),
            *_too_low(registry, published),
        ]
    )


def check_is_published(registry: EventRegistry, published: Published) -> list[Problem]:
    """One problem when the lock file says something else than the schemas."""
    if now_published(registry, published, {}).text() == published.text():
        return []
    names = sorted(registry.versions.keys() | published.versions.keys())
    changed = [name for name in names if _differs(name, registry, published)]
    said = f"the published registry is not that of {SCHEMAS}/: {', '.join(changed)}"
    return [Problem(Place(LOCK, 1), "SW533", said, f"Run `{_PUBLISH}` and commit the file.")]


def _differs(name: str, registry: EventRegistry, published: Published) -> bool:
    now = now_published(registry, Published(), {}).versions
    return json.dumps(now.get(name)) != json.dumps(published.versions.get(name))


def _broken(registry: EventRegistry, published: Published) -> Iterator[Problem]:
    for name, versions in published.versions.items():
        for number, old in versions.items():
            new = registry.versions.get(name, {}).get(number)
            for each in narrowings(old, new) if new is not None else ():
                place = Place(f"{SCHEMAS}/{schema_file(name, number)}", 1, each.path)
                said = (
                    f'{each.said}, and version {number} of "{name}" is published '
                    f"(rule: {each.rule})"
                )
                later = _next_file(name, registry, published)
                remedy = f"Leave it as it was, and make a new version: {SCHEMAS}/{later}."
                yield Problem(place, "SW530", said, remedy)


def _gone(
    registry: EventRegistry, published: Published, subjects: Collection[Subject]
) -> Iterator[Problem]:
    for name, versions in published.versions.items():
        for number in versions.keys() - registry.versions.get(name, {}).keys():
            used = sorted(
                each.journey.name
                for each in subjects
                if any(match.event == name for match in matches(each.journey))
            )
            by = f"; journeys take it: {', '.join(used)}" if used else ""
            said = f'version {number} of "{name}" is published, and apps may be sending it{by}'
            remedy = (
                "Put the file back, or, when no app sends it any more, "
                f'`{_PUBLISH} --retire "{name}" {number}`.'
            )
            yield Problem(Place(f"{SCHEMAS}/{schema_file(name, number)}", 1), "SW531", said, remedy)


def _used_up(registry: EventRegistry, published: Published) -> Iterator[Problem]:
    for name, numbers in published.retired.items():
        for number in sorted({*numbers} & registry.versions.get(name, {}).keys()):
            said = f'version {number} of "{name}" was retired: an old app would mean another'
            remedy = f"Give it another number: {_next_file(name, registry, published)}."
            yield Problem(Place(f"{SCHEMAS}/{schema_file(name, number)}", 1), "SW534", said, remedy)


def _too_low(registry: EventRegistry, published: Published) -> Iterator[Problem]:
    """Events that name no version would move to a new one with the lowest number."""
    for name, versions in registry.versions.items():
        taken = published.versions.get(name, {}).keys() | {*published.retired.get(name, ())}
        for number in sorted(versions.keys() - taken):
            if number > max(taken, default=0):
                continue
            said = (
                f'version {number} of "{name}" is new, and {max(taken)} is already there: '
                "events that name no version are held to the oldest"
            )
            remedy = f"Give it a greater number: {_next_file(name, registry, published)}."
            yield Problem(Place(f"{SCHEMAS}/{schema_file(name, number)}", 1), "SW532", said, remedy)


def _next_file(name: str, registry: EventRegistry, published: Published) -> str:
    """The schema file of the first number that no version has or had."""
    numbers = (registry.versions, published.versions, published.retired)
    return schema_file(name, max(each for part in numbers for each in part.get(name, ())) + 1)
