"""An email ends with the postal address and the unsubscribe link, unless it prints them itself."""

from __future__ import annotations

import pytest

from stepwell.messages.imprint import Imprint, completed
from stepwell.messages.unsubscribe_page import done, not_now, question, unknown_link
from stepwell.messages.unsubscribing import Link, read_token
from tests.support.fakes import plain_hasher
from tests.support.messages import World, message_program

URL = "https://api.example.com/v1/unsubscribe?t=x.y"
POSTAL = "Example Shop & Sons\n1 Example Street"
BOTH = {"unsubscribe_url": URL, "postal_address": POSTAL}
LINK = Link("c1", "<b>news</b>", "email", "m1", "0" * 32)


def end_of(name: str, template: str, variables: dict[str, str] = BOTH) -> str:
    return completed({name: "Hello"}, {name: template}, variables)[name].removeprefix("Hello")


def test_text_gets_what_its_template_does_not_print() -> None:
    assert end_of("text", "Hello") == f"\n\n-- \n{POSTAL}\nUnsubscribe: {URL}\n"
    assert end_of("text", "{{ postal_address }}") == f"\n\n-- \nUnsubscribe: {URL}\n"
    assert end_of("text", "{{ unsubscribe_url }}") == f"\n\n-- \n{POSTAL}\n"
    assert end_of("text", "{{ unsubscribe_url }} {{ postal_address }}") == ""
    assert end_of("text", "Hello", {}) == ""


def test_html_gets_it_escaped_and_inside_of_the_body() -> None:
    fields = {"html": "<HTML><body><p>Hello</p></BODY></html>"}
    done = completed(fields, fields, BOTH)["html"]
    assert done.startswith("<HTML><body><p>Hello</p><p")
    assert done.endswith("</p>\n</BODY></html>")
    assert "Example Shop &amp; Sons<br>1 Example Street<br>" in done
    assert f'<a href="{URL}">Unsubscribe</a>' in done
    assert end_of("html", "<p>Hello</p>").startswith("<p style")
    assert end_of("html", "{{ unsubscribe_url }} {{ postal_address }}") == ""


def test_subject_stays_as_it_is() -> None:
    fields = {"subject": "Hello", "text": "Hi"}
    assert completed(fields, fields, BOTH)["subject"] == "Hello"


IMPRINT = Imprint("https://api.example.com", "Example Shop, 1 Example Street")
PRINTED = {
    "sms": {"body": "Hi {{ unsubscribe_url }}"},
    "push": {"title": "Hi", "body": "Hi"},
    "email": {"subject": "Hi", "text": "Hi", "html": "<p>Hi</p>"},
}


@pytest.mark.parametrize("channel", ["sms", "push", "email"])
def test_every_message_that_somebody_may_end_has_its_link(channel: str) -> None:
    program = message_program(channels=[channel], template=PRINTED)
    world = World(program=program, imprint=IMPRINT)
    assert world.send()["outcome"] == "sent"
    [sent] = world.sent()
    link = read_token(sent.unsubscribe_url.partition("?t=")[2], plain_hasher)
    assert (link.customer, link.purpose, link.channel) == ("c1", "marketing", channel)
    assert link.message == sent.message_id
    shown = "".join(sent.content.values())
    assert (sent.unsubscribe_url in shown) is (channel != "push")
    assert (IMPRINT.postal_address in shown) is (channel == "email")


def test_a_transactional_message_has_neither() -> None:
    program = message_program(channels=["email"], template=PRINTED, purpose="transactional")
    world = World(program=program, imprint=IMPRINT)
    assert world.send()["outcome"] == "sent"
    [sent] = world.sent()
    assert sent.unsubscribe_url == ""
    assert dict(sent.content) == PRINTED["email"]


def test_a_link_that_cannot_be_had_fails_the_message_that_prints_it() -> None:
    world = World(program=message_program(channels=["sms"], template=PRINTED))
    answer = world.send()
    assert (answer["outcome"], answer["reason"]) == ("failed", "missing_variable")


def test_the_page_asks_with_one_button_and_loads_nothing() -> None:
    page = question(LINK)
    assert page.count('<form method="post">') == page.count("<button") == 1
    assert '<html lang="en">' in page
    assert "&lt;b&gt;news&lt;/b&gt; messages by email" in page
    for each in (page, done(LINK), not_now(), unknown_link()):
        assert each.count("<h1>") == each.count("<main>") == each.count("<title>") == 1
        assert not any(word in each for word in ("<script", "src=", "http:", "https:", "<b>news"))
    assert all("<form" not in each for each in (done(LINK), not_now(), unknown_link()))
