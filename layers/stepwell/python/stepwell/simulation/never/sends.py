"""What went out, in order, and what sending itself must never do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from stepwell.journeys.program import Program
from stepwell.messages.policies import Cap, Policies
from stepwell.simulation.never.broken import Broken, Rule
from stepwell.simulation.never.people import People
from stepwell.simulation.trace import Sending
from stepwell.values import value


@value
class Send:
    """A message that a provider took or may have taken. `number` is its place among all calls."""

    number: int
    at: datetime
    customer: str
    execution: str
    message: str
    journey: str
    step: str
    purpose: str
    channel: str
    is_certain: bool

    def broken(self, rule: Rule, text: str) -> Broken:
        return Broken(rule, self.customer, self.journey, self.step, self.at, text)


def read_sends(sendings: Sequence[Sending], programs: Iterable[Program]) -> list[Send]:
    names = {
        (program.journey, step.id): step.name
        for program in programs
        for step in program.steps.values()
    }
    return [
        _read(number, each, names)
        for number, each in enumerate(sendings)
        if each.result in ("accepted", "unknown")
    ]


def _read(number: int, sending: Sending, names: Mapping[tuple[str, str], str]) -> Send:
    outgoing = sending.outgoing
    execution, _, step = outgoing.message_id.rpartition(".")
    journey = outgoing.tags.get("journey", "")
    return Send(
        number=number,
        at=sending.at,
        customer=outgoing.tags.get("customer", ""),
        execution=execution,
        message=outgoing.message_id,
        journey=journey,
        step=names.get((journey, step), step),
        purpose=outgoing.tags.get("purpose", ""),
        channel=outgoing.channel,
        is_certain=sending.result == "accepted",
    )


def check_twice(
    sends: Sequence[Send], policies: Policies, maybe_sent: frozenset[str]
) -> Iterator[Broken]:
    """One customer's. `maybe_sent` are messages whose outcome was lost: their purposes may say that
    they are sent again.
    """
    before: dict[str, Send] = {}
    for send in sends:
        first = before.setdefault(send.message, send)
        if first is send:
            continue
        purpose = policies.purposes.get(send.purpose)
        may_resend = purpose is not None and purpose.after_unknown_outcome == "resend"
        if not (may_resend and (not first.is_certain or send.message in maybe_sent)):
            yield send.broken(
                Rule.SENT_TWICE, f"message {send.message} had gone out by {first.channel} already"
            )


def check_caps(sends: Sequence[Send], policies: Policies, people: People) -> Iterator[Broken]:
    """One person's, in order: no window that ends with a send holds more than its cap allows.

    Of customers who became one, each for themselves before, and together from then on.
    """
    for cap in policies.caps:
        if len(sends) <= cap.at_most:
            continue  # whatever they are
        counted = [each for each in sends if _counts(cap, policies, each)]
        for place, last in enumerate(counted):
            person = people.at_send(last.customer, last.number)
            window = {
                each.message
                for each in counted[: place + 1]
                if (last.at - each.at).total_seconds() < cap.seconds
                and people.at_send(each.customer, last.number) == person
            }
            if len(window) > cap.at_most:
                yield last.broken(
                    Rule.CAP_EXCEEDED,
                    f"{len(window)} messages within {_hours(cap.seconds)} count towards "
                    f"{cap.name}, which allows {cap.at_most}",
                )


def _counts(cap: Cap, policies: Policies, send: Send) -> bool:
    purpose = policies.purposes.get(send.purpose)
    return (
        purpose is not None
        and purpose.capped
        and send.purpose in cap.purposes
        and (len(cap.channels) == 0 or send.channel in cap.channels)
    )


def _hours(seconds: int) -> str:
    return f"{seconds / 3_600:g} hours"
