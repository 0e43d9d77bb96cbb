"""Messages: why they are sent, and how."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.journeys.compiler.checks.subject import Subject
from stepwell.journeys.compiler.model import Hold, messages_called
from stepwell.journeys.compiler.problems import Place, Problem, suggest
from stepwell.journeys.compiler.templates import FIELDS
from stepwell.messages.receipts import FATES_TOLD, fate_of, fates_told


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


def check_awaited(subject: Subject) -> Iterator[Problem]:
    """A hold may wait for what becomes of a message that was sent before it."""
    flow = subject.flow()
    names_known = [message.name for message in subject.messages()]
    for hold in (step for step in subject.steps() if isinstance(step, Hold)):
        for match in (branch.match for branch in hold.branches if branch.match.message):
            found = messages_called(subject.journey, match.message or "")
            if not found:
                said = f"there is no message {match.message!r} in this journey"
                yield Problem(match.place, "SW306", said, suggest(match.message, names_known))
            elif not {fate_of(match.event)} & fates_told(found[0].channels):
                said = (
                    f"no channel of {match.message!r} tells whether it was {fate_of(match.event)}"
                )
                yield Problem(match.place, "SW307", said, _tellers(match.event))
            elif flow and found[0].id in flow.steps and not flow.leads(found[0].id, hold.id):
                said = f"{match.message!r} is not sent before {hold.name!r} on any way"
                remedy = "Put the hold behind the message."
                yield Problem(match.place, "SW308", said, remedy)


def _tellers(event: str) -> str:
    tellers = [channel for channel in FATES_TOLD if fate_of(event) in FATES_TOLD[channel]]
    return f"These channels tell: {', '.join(tellers)}."


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
