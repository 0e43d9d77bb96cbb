"""What fails says what and where, and quotes nobody: not in logs, answers, causes or records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.support.aws_faults import hooked_clients
from tests.support.belonging import places
from tests.support.crash_project import JOURNEYS, small_project
from tests.support.marked_sender import MarkedSender
from tests.support.overhearing import Overhearing
from tests.support.stage import Stage

HOPELESS = """\
journey: hopeless
purpose: marketing
entry: {event: Began, where: "int(event.properties.word) > 5"}
steps:
  - delay: {name: Wait, for: 1h}
"""
FAILING = """\
journey: failing
purpose: marketing
entry: {event: Began}
goal: {event: Acted, within: 1d, value: event.properties.id}
exit: [{event: Acted, where: "timestamp(event.properties.id) > now"}]
steps:
  - delay: {name: A while, for: 1h}
  - split:
      name: Which way
      branches:
        - {name: Early, when: "timestamp(customer.traits.plan) > now", then: continue}
        - {name: Low, when: "int(customer.traits.plan) < 5", then: continue}
        - {name: Of a map, when: "customer.traits.plan.name == 'x'", then: continue}
        - {name: In a list, when: "customer.traits.plan[0] == 'x'", then: continue}
        - {name: Known, when: "customer.traits[customer.traits.plan] == 'x'", then: continue}
  - delay: {name: Until it renews, until: {date: customer.traits.plan}}
"""
TEMPLATES = """\
journey: templates
purpose: marketing
entry: {event: Left}
steps:
  - message: {name: By SMS, channels: [sms], template: hello}
  - message: {name: By push, channels: [push], template: hello}
  - message: {name: By email, channels: [email], template: hello}
"""
CONTENT = """\
sms: {body: "{{ customer.traits.plan | divided_by: 0 }}"}
push: {title: "{{ customer.traits[customer.traits.plan] }}", body: x}
email: {subject: "{{ customer.traits.plan | slice: 'x' }}", text: x, html: x}
"""


@contextmanager
def listening(journeys: dict[str, str], **more: Any) -> Iterator[tuple[MarkedSender, Overhearing]]:
    with (
        small_project(journeys, **more) as root,
        Stage(project=root) as stage,
        Overhearing(stage) as heard,
    ):
        yield MarkedSender(stage), heard


def known(sender: MarkedSender, user: str) -> None:
    traits = sender.traits() | {"plan": sender.marks.text()}
    sender.send("identify", userId=user, traits=traits)


def log_of(heard: Overhearing, function: str) -> str:
    return "".join(str(said) for place, said in heard.everything() if place == f"log {function}")


def test_conditions_and_dates_without_a_value(printed: Callable[[], str]) -> None:
    with listening({"hopeless": HOPELESS, "failing": FAILING}) as (sender, heard):
        user, text = sender.marks.text(), sender.marks.text
        known(sender, user)
        word = {"word": text(), "id": text()}
        sender.send("track", userId=user, event="Began", properties=word)
        sender.send("track", userId=user, event="Acted", properties=word)
        sender.stage.engine.run_until_idle()
        places(sender, heard, printed())
        told = log_of(heard, "router") + log_of(heard, "plan")
        for problem in (
            "hopeless entry: int(event.properties.word): ",
            "failing goal value: ",
            "failing exit: timestamp(event.properties.id): ",
            "which_way early: timestamp(customer.traits.plan): ",
            "which_way low: int(customer.traits.plan): ",
            "which_way of_a_map: ",
            "which_way in_a_list: ",
            "which_way known: ",
            "until_it_renews: customer.traits.plan is no date",
        ):
            assert problem in told, f"{problem} is not in {told}"


def test_templates_that_fail(printed: Callable[[], str]) -> None:
    with listening({"templates": TEMPLATES}, content=CONTENT) as (sender, heard):
        user = sender.marks.text()
        known(sender, user)
        sender.send("track", userId=user, event="Left", properties={})
        sender.stage.engine.run_until_idle()
        places(sender, heard, printed())
        decisions = sender.stage.records("DECISION#", user)
        assert {each["outcome"] for each in decisions} == {"failed"}
        assert {each["reason"] for each in decisions} <= {"template_error", "missing_variable"}
        assert len(decisions) == 3


Fails = Callable[[str], Any]
"""Given what it must not tell, answers or raises in the place of a service."""


def refused(quoted: str) -> Any:
    error = {"Code": "InvalidParameter", "Message": f"Invalid parameter: PhoneNumber {quoted}"}
    answer = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return SimpleNamespace(status_code=400), answer


def lost(quoted: str) -> Any:
    raise ReadTimeoutError(endpoint_url=f"https://example.com/{quoted}")


def unheard_of(quoted: str) -> Any:
    raise ValueError(f"cannot take {quoted}")


@pytest.mark.parametrize("fails", [refused, lost, unheard_of])
def test_a_provider_that_quotes_the_address(fails: Fails, printed: Callable[[], str]) -> None:
    with listening({"news": JOURNEYS["news"]}) as (sender, heard):
        user, quoted = sender.marks.text(), sender.marks.phone()
        known(sender, user)
        with hooked_clients({"before-call.sns.Publish": lambda **_: fails(quoted)}):
            sender.send("track", userId=user, event="Published", properties={})
            sender.stage.engine.run_until_idle()
        places(sender, heard, printed())
        assert {each["outcome"] for each in sender.stage.records("DECISION#", user)} <= {
            "failed",
            "unknown",
        }


@pytest.mark.parametrize("fails", [refused, unheard_of])
@pytest.mark.parametrize("call", ["dynamodb.TransactWriteItems", "s3.PutObject"])
def test_an_event_that_cannot_be_applied(
    call: str, fails: Fails, printed: Callable[[], str]
) -> None:
    with listening({"news": JOURNEYS["news"]}) as (sender, heard):
        quoted, user = sender.marks.text(), sender.marks.text()
        with hooked_clients({f"before-call.{call}": lambda **_: fails(quoted)}):
            document = {"userId": user, "traits": sender.traits(), "messageId": "m"}
            assert sender.stage.call("identify", document)["statusCode"] == 200
            assert sender.stage.deliver()["batchItemFailures"]
        places(sender, heard, printed())
        assert log_of(heard, "router")
