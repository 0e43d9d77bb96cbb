"""`stepwell events`: whether a change of the event registry breaks anybody, what is published, and
the registry as a page.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.cli.command import CommandError
from stepwell.cli.projects import add_root, print_problems, root_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepwell.cli.command import Commands
    from stepwell.journeys.compiler.problems import Problem
    from stepwell.journeys.compiler.project import Project
    from stepwell.journeys.compiler.published import Published
    from stepwell.journeys.compiler.registry import EventRegistry

HELP = "Check, publish and describe the event registry, events/schemas/."
_ABOUT_EVENTS = ("SW5", "SW605", "SW1007")
"""Codes of problems that a journey has with events; `stepwell check` tells the others."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("events", help=HELP, description=HELP)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="refuse what would break a journey or a sender")
    publish = actions.add_parser("publish", help="note that apps may send what is there now")
    publish.add_argument(
        "--retire",
        nargs=2,
        action="append",
        default=[],
        metavar=("EVENT", "VERSION"),
        help="a version whose file is gone and that no app sends any more",
    )
    docs = actions.add_parser("docs", help="write docs/event-registry.md from the schemas")
    docs.add_argument("--check", action="store_true", help="write nothing; 1 when it would change")
    for action in (check, publish, docs):
        _add_common(action)
    parser.set_defaults(run=run)


def _add_common(parser: ArgumentParser) -> None:
    add_root(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(arguments: Namespace) -> int:
    """1 when there is a problem. Raises CommandError when it cannot be looked at."""
    from stepwell.journeys.compiler.published import PublishedError  # noqa: PLC0415 - quick --help

    try:
        action = {"check": _check, "publish": _publish, "docs": _docs}[arguments.action]
        return action(arguments, root_of(arguments.root))
    except PublishedError as error:
        raise CommandError(str(error)) from error


def _check(arguments: Namespace, root: Path) -> int:
    from stepwell.journeys.compiler.published import (  # noqa: PLC0415 - quick --help
        check_is_published,
        read_published,
    )

    project, registry = _read(root)
    problems = _of_events(project)
    if registry is not None:
        published = read_published(root)
        problems += _of_senders(registry, published, project)
        problems += [] if problems else check_is_published(registry, published)
    if arguments.json:
        print(json.dumps([each.as_json() for each in sorted(problems)], indent=2))
    elif problems:
        print_problems(sorted(problems))
    elif registry is not None:
        count = sum(map(len, registry.versions.values()))
        journeys = len(project.subjects)
        print(
            f"{len(registry.versions)} events in {count} versions, as published; "
            f"{journeys} journey{'' if journeys == 1 else 's'} fit them all."
        )
    return 1 if problems else 0


def _publish(arguments: Namespace, root: Path) -> int:
    from stepwell.journeys.compiler.published import (  # noqa: PLC0415 - quick --help
        LOCK,
        Published,
        now_published,
        read_published,
    )

    project, registry = _read(root)
    before = read_published(root)
    retired = _retired(arguments.retire, before, registry)
    left = {
        name: {number: each for number, each in versions.items() if number not in retired[name]}
        if name in retired
        else versions
        for name, versions in before.versions.items()
    }
    problems = _of_events(project)
    if registry is not None:
        gone = now_published(registry, before, retired).retired
        problems += _of_senders(registry, Published(left, gone), project)
    if problems or registry is None:
        return _refuse(problems, arguments)
    after = now_published(registry, before, retired)
    changed = sorted(
        name
        for name in before.versions.keys() | after.versions.keys()
        if before.versions.get(name) != after.versions.get(name)
    )
    (root / LOCK).write_text(after.text(), encoding="utf-8")
    if arguments.json:
        print(json.dumps({"published": changed, "file": LOCK}))
    else:
        print(f"{LOCK}: {', '.join(changed) or 'nothing'} published anew. Commit it.")
    return 0


def _docs(arguments: Namespace, root: Path) -> int:
    from stepwell.journeys.compiler.registry_page import PAGE, registry_page  # noqa: PLC0415

    project, registry = _read(root)
    if registry is None:
        return _refuse(_of_events(project), arguments)
    text, path = registry_page(registry, project.subjects), root / PAGE
    is_old = not path.is_file() or path.read_text(encoding="utf-8") != text
    if is_old and not arguments.check:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if arguments.json:
        print(json.dumps({"file": PAGE, "changed": is_old}))
    elif is_old and arguments.check:
        print(f"{PAGE} is not what the schemas say: `stepwell events docs`", file=sys.stderr)
    else:
        print(f"{PAGE} {'written anew' if is_old else 'is what the schemas say'}.")
    return 1 if is_old and arguments.check else 0


def _refuse(problems: Sequence[Problem], arguments: Namespace) -> int:
    if arguments.json:
        print(json.dumps([each.as_json() for each in sorted(problems)], indent=2))
    else:
        print_problems(sorted(problems))
        print("Nothing is written.", file=sys.stderr)
    return 1


def _read(root: Path) -> tuple[Project, EventRegistry | None]:
    """The registry is None when it cannot be read; the project's problems say why."""
    from stepwell.journeys.compiler.project import (  # noqa: PLC0415 - quick --help
        read_project,
        read_registry,
    )
    from stepwell.journeys.compiler.registry import RegistryError  # noqa: PLC0415 - as above

    project = read_project(root)
    try:
        return project, read_registry(root)
    except RegistryError:
        return project, None


def _of_events(project: Project) -> list[Problem]:
    return [each for each in project.problems if each.code.startswith(_ABOUT_EVENTS)]


def _of_senders(registry: EventRegistry, published: Published, project: Project) -> list[Problem]:
    from stepwell.journeys.compiler.published import check_senders  # noqa: PLC0415 - quick --help

    return check_senders(registry, published, project.subjects)


def _retired(
    given: Sequence[Sequence[str]], before: Published, registry: EventRegistry | None
) -> dict[str, set[int]]:
    """Raises CommandError for what is not published, or is still there."""
    retired: dict[str, set[int]] = {}
    for name, text in given:
        number = int(text) if text.isdecimal() else 0
        if number not in before.versions.get(name, {}):
            raise CommandError(f'--retire "{name}" {text}: no such version is published')
        if registry is not None and number in registry.versions.get(name, {}):
            raise CommandError(
                f'--retire "{name}" {text}: its file is still there; remove it first'
            )
        retired.setdefault(name, set()).add(number)
    return retired
