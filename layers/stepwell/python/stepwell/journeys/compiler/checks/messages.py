"""Messages: why they are sent, and how."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler.checks.subject import Subject
from stepwell.journeys.compiler.problems import Place, Problem, suggest
from stepwell.journeys.compiler.templates import FIELDS


def check_purposes(subject: Subject) -> Iterator[Problem]:
    journey, known = subject.journey, subject.purposes
    named = [(journey.purpose, Place(journey.place.file, journey.place.line, "purpose"))]
    for message in subject.messages():
        if message.purpose is None and journey.purpose is None:
            yield Problem(
                message.place,
                "SW401",
                f"{message.name!r} has no purpose",
                "Give the journey or the message a `purpose:`, such as marketing.",
            )
        named.append((message.purpose, message.place))
    for purpose, place in named:
        if purpose is not None and known is not None and purpose not in known:
            remedy = f"{suggest(purpose, known)} Purposes are in policies.yaml."
            yield Problem(place, "SW402", f"there is no purpose {purpose!r}", remedy)


def check_channels(subject: Subject) -> Iterator[Problem]:
    for message in subject.messages():
        for index, channel in enumerate(message.channels):
            if channel not in FIELDS:
                yield Problem(
                    message.place,
                    "SW403",
                    f"there is no channel {channel!r}",
                    suggest(channel, FIELDS),
                )
            if channel in message.channels[:index]:
                said = f"{channel} is named twice in the channels of {message.name!r}"
                yield Problem(
                    message.place, "SW404", said, "Name each channel once; each is tried once."
                )
