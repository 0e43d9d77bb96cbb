"""Templates: that they are there, complete, and use only what exists when they are rendered."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler.cel.kinds import JSON
from stepwell.journeys.compiler.checks.subject import Subject
from stepwell.journeys.compiler.durations import seconds_of
from stepwell.journeys.compiler.liquid_analysis import TextFault, faults_in
from stepwell.journeys.compiler.model import Message
from stepwell.journeys.compiler.problems import Place, Problem, suggest
from stepwell.journeys.compiler.registry import EventRegistry
from stepwell.journeys.compiler.templates import FIELDS, Template, fields_of, is_field
from stepwell.messages.imprint import TRANSACTIONAL, UNSUBSCRIBE_URL
from stepwell.messages.inbox import CHANNEL as INBOX


def check_templates(subject: Subject) -> Iterator[Problem]:
    for message in subject.messages():
        if message.template not in subject.templates:
            yield Problem(
                message.place,
                "SW601",
                f"there is no template {message.template!r} for {message.name!r}",
                f"Add templates/{message.template}.yaml. "
                + suggest(message.template, subject.templates),
            )
    for name in subject.templates.keys() - {message.template for message in subject.messages()}:
        place = subject.templates[name].source.place(())
        yield Problem(
            place, "SW606", f"no message uses the template {name!r}", "Remove the file, or use it."
        )


def check_variants(subject: Subject) -> Iterator[Problem]:
    for template in subject.templates.values():
        for channel, fields in template.variants.items():
            yield from _variant_problems(template, channel, set(fields))
    for message in subject.messages():
        used = subject.templates.get(message.template)
        if used is not None:
            yield from _missing_variants(message, used)


def _variant_problems(template: Template, channel: str, fields: set[str]) -> Iterator[Problem]:
    place = template.source.place((channel,))
    if channel not in FIELDS:
        yield Problem(place, "SW403", f"there is no channel {channel!r}", suggest(channel, FIELDS))
        return
    for field in sorted(each for each in fields if not is_field(channel, each)):
        spot = template.source.place((channel, field))
        yield Problem(
            spot, "SW603", f"{channel} has no field {field!r}", suggest(field, fields_of(channel))
        )
    for field in FIELDS[channel]:
        if field not in fields:
            yield Problem(place, "SW603", f"{channel} has no `{field}`", f"Add `{field}:` to it.")


def check_expiry(subject: Subject) -> Iterator[Problem]:
    for template in subject.templates.values():
        text = template.variants.get(INBOX, {}).get("expires_after")
        try:
            if text is not None:
                seconds_of(text)
        except ValueError as error:
            place = template.source.place((INBOX, "expires_after"))
            yield Problem(place, "SW608", str(error), "Write how long the message is shown: 7d.")


def _missing_variants(message: Message, template: Template) -> Iterator[Problem]:
    for channel in message.channels:
        if channel in FIELDS and channel not in template.variants:
            said = f"the template {template.name!r} has no variant for {channel}"
            remedy = (
                f"Add `{channel}:` with {', '.join(FIELDS[channel])} to {template.source.file}."
            )
            yield Problem(message.place, "SW602", said, remedy)


def check_unsubscribing(subject: Subject) -> Iterator[Problem]:
    for message in subject.messages():
        used = subject.templates.get(message.template)
        purpose = message.purpose or subject.journey.purpose
        if used is None or purpose != TRANSACTIONAL:
            continue
        for path, text in used.texts():
            if path[0] in message.channels and UNSUBSCRIBE_URL in text:
                yield Problem(
                    used.source.place(path),
                    "SW607",
                    f"{message.name!r} is {TRANSACTIONAL}, and nobody unsubscribes from that",
                    f"Leave `{UNSUBSCRIBE_URL}` out, or give the message another purpose.",
                )


def check_liquid(subject: Subject) -> Iterator[Problem]:
    entry_event, registry = subject.entry_event(), subject.registry
    known = list(registry.kinds(entry_event)) if registry and entry_event else [JSON]
    customer = (registry or EventRegistry({})).customer
    for template in subject.templates.values():
        for path, text in template.texts():
            spot = template.source.place(path)
            first = template.source.lines.get((*path, "|"), spot.line)
            found = (each for kind in known for each in faults_in(text, kind, customer))
            for fault in dict.fromkeys(found):
                yield _at(fault, Place(spot.file, first + fault.line - 1, spot.path))


def _at(fault: TextFault, place: Place) -> Problem:
    return Problem(place, fault.code, fault.message, fault.remedy)
