"""From the files to the one document that is deployed, and to what conditions may read of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stepwell.conditions.errors import OperationError
from stepwell.conditions.functions import timestamp
from stepwell.conditions.tree import Tree
from stepwell.customers.snapshot import Snapshot
from stepwell.journeys.compiler.cel.kinds import ANY, BOOL, TIMESTAMP, Type, record
from stepwell.journeys.compiler.problems import Problem
from stepwell.journeys.compiler.profile.computed import read_computed
from stepwell.journeys.compiler.profile.context import (
    SECTION,
    context_absent,
    context_fields,
    read_context,
)
from stepwell.journeys.compiler.profile.declared import Declared
from stepwell.journeys.compiler.profile.documents import ProfileDocument, SegmentsDocument
from stepwell.journeys.compiler.profile.echoes import heard_by
from stepwell.journeys.compiler.profile.segments import read_lists, read_segments
from stepwell.journeys.compiler.profile.signals import SIGNALS_TYPE, read_signals
from stepwell.journeys.compiler.registry import EventRegistry
from stepwell.journeys.compiler.source import Source, read_yaml
from stepwell.messages.channels import CHANNELS
from stepwell.profile.context import PARTS
from stepwell.profile.rules import ProfileRules
from stepwell.profile.view import customer_view

_LONG_AGO, _FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_BESIDE = timedelta(seconds=1)

PROFILE, SEGMENTS = "statemachines/profile.yaml", "statemachines/segments.yaml"


@dataclass(frozen=True)
class Declarations:
    """`document` is deployed with the policies; `fields` are those of a customer in conditions,
    `absent` those that could be declared, with how to do so.
    """

    document: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Type] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def segments(self) -> Iterable[str] | None:
        """The names of those that are declared, also where something is wrong with one; None where
        the file cannot be read.
        """
        found = self.fields.get("segments", ANY)
        return None if found.unsure else found.fields


def read_declarations(
    root: Path, registry: EventRegistry | None, purposes: Collection[str] | None = None
) -> Declarations:
    """What the project declares of its customers' profiles, with all problems. `purposes` are those
    that there are.
    """
    profile = _file(root, PROFILE, registry)
    computed, types = _computed(profile)
    context = read_context(profile, purposes)
    segments = _file(root, SEGMENTS, registry)
    written = segments.section((), SegmentsDocument) if segments.source.data else None
    names = written.segments if written else {}
    lists = read_lists(segments, written.lists) if written else []
    signals, wrong_signals = read_signals(root)
    fields = {
        **({} if purposes is None else {"consents": _consents(purposes)}),
        **({"signals": SIGNALS_TYPE} if signals or wrong_signals else {}),
        "computed": record(types, PROFILE),
        "segments": record(dict.fromkeys(names, BOOL), SEGMENTS),
        "lists": record(dict.fromkeys(lists, BOOL), SEGMENTS),
        **context_fields(context),
        **_of_unread(profile, "computed", *PARTS),
        **_of_unread(segments, "segments", "lists"),
    }
    absent = {name: how for name, how in context_absent(context).items() if name not in fields}
    known = replace(registry, fields=fields, absent=absent) if registry else None
    customer = known.customer if known else ANY
    environment = {"customer": customer, "now": TIMESTAMP}
    found, everybody = read_segments(segments, names, environment, heard_by(computed))
    parts = {
        "computed": computed,
        "segments": found,
        "lists": lists,
        SECTION: context,
        "signals": signals,
    }
    document = {name: each for name, each in parts.items() if each}
    if not segments.problems and not profile.problems:
        _check_everybody(segments, ProfileRules(document), everybody)
    problems = (*profile.problems, *segments.problems, *wrong_signals)
    return Declarations(document, fields, absent, problems)


def _file(root: Path, file: str, registry: EventRegistry | None) -> Declared:
    path = root / file
    if not path.is_file():
        return Declared(Source(file, None), registry)
    source, problems = read_yaml(path, file)
    return Declared(source or Source(file, None), registry, problems=list(problems))


def _of_unread(declared: Declared, *names: str) -> dict[str, Type]:
    """What a file declares that cannot be read: anything may be in it, and it has a problem."""
    whole = isinstance(declared.source.data, dict) or not declared.problems
    return {} if whole else dict.fromkeys(names, ANY)


def _consents(purposes: Collection[str]) -> Type:
    answers = record(dict.fromkeys(CHANNELS, BOOL), "the channels")
    return record(dict.fromkeys(sorted(purposes), answers), "the purposes of policies.yaml")


def _computed(profile: Declared) -> tuple[list[dict[str, Any]], dict[str, Type]]:
    document = profile.section((), ProfileDocument) if profile.source.data else None
    return read_computed(profile, document.computed) if document else ([], {})


def _moments(tree: Tree) -> Iterator[datetime]:
    """Those that a condition names, and beside each."""
    match tree:
        case ["call", "timestamp", [["string", text]]]:
            with suppress(OperationError, OverflowError):
                moment = timestamp(text)
                yield from (moment - _BESIDE, moment, moment + _BESIDE)
        case [*parts]:
            for each in parts:
                yield from _moments(each)


def _check_everybody(declared: Declared, rules: ProfileRules, everybody: frozenset[str]) -> None:
    """A segment that is true of a customer of whom nothing is known is one of nearly everybody:
    they all enter it when it is deployed, or when its moment has come.
    """
    nobody = Snapshot("nobody")
    moments = [each for one in rules.document.get("segments", ()) for each in _moments(one["when"])]
    views = [customer_view(nobody, rules, now) for now in (_LONG_AGO, _FAR_AHEAD, *moments)]
    for name in rules.segments:
        if name not in everybody and any(view["segments"].get(name) is True for view in views):
            said = f"{name} is true of a customer of whom nothing is known: everybody enters it"
            remedy = "Ask for something they did, or write `everybody: true` if that is meant."
            declared.report(("segments", name, "when"), "SW1014", said, remedy)
