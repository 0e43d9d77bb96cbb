"""The document that browsers load names the address the API was called by, and no other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.events.browser_settings import Address, read_address, settings_document
from stepwell.events.intake import Answer, Intake
from stepwell.events.sources import Source

PATH = "/v1/projects/key/settings"
OWN = "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("domain", "path", "scheme", "host"),
    [
        (OWN, f"/prod{PATH}", "https", f"{OWN}/prod/v1"),
        ("events.example.com", PATH, "https", "events.example.com/v1"),
        ("events.example.com", f"{PATH}/", "https", "events.example.com/v1"),
        ("events.example.com", f"/shop/web{PATH}", "https", "events.example.com/shop/web/v1"),
        ("events.example.com", f"/v1/projects{PATH}", "https", "events.example.com/v1/projects/v1"),
        ("localhost:8080", PATH, "http", "localhost:8080/v1"),
        ("127.0.0.1:41000", PATH, "http", "127.0.0.1:41000/v1"),
    ],
)
def test_the_address_is_that_of_the_request(domain: str, path: str, scheme: str, host: str) -> None:
    assert read_address(domain, path) == Address(scheme, host)


@pytest.mark.parametrize(
    ("domain", "path"),
    [
        ("", PATH),
        ("events", PATH),
        ("events.example.com:443", PATH),
        ("user@events.example.com", PATH),
        ("events.example.com/evil", PATH),
        ("events.example.com\n", PATH),
        ("localhost.evil.example:80", PATH),
        ("localhost:999999", PATH),
        (OWN, ""),
        (OWN, "/v1/track"),
        (OWN, f"//evil.example{PATH}"),
        (OWN, f"/a b{PATH}"),
        (OWN, f"/%2e%2e{PATH}"),
        (OWN, f"/é{PATH}"),
        (OWN, f"{PATH}\n"),
        (OWN, "/v1/projects/a/b/settings"),
    ],
)
def test_what_is_no_address_gives_none(domain: str, path: str) -> None:
    assert read_address(domain, path) is None


@given(domain=st.text(), prefix=st.text())
def test_an_address_never_holds_what_could_lead_elsewhere(domain: str, prefix: str) -> None:
    address = read_address(domain, f"{prefix}{PATH}")
    assert address is None or not set(address.host) & set('@?#\\ \n\r\t"<>%')


def test_the_document_has_what_the_sdk_needs_and_nobody_else_in_it() -> None:
    document = settings_document("key", Address("https", "events.example.com/v1"))
    assert list(document["integrations"]) == ["Segment.io"]
    stepwell = document["integrations"]["Segment.io"]
    assert (stepwell["apiKey"], stepwell["protocol"]) == ("key", "https")
    assert stepwell["apiHost"] == "events.example.com/v1"
    assert document["metrics"] == {"sampleRate": 0}


class NoQueue:
    def send(self, events: Any) -> None:
        raise AssertionError(events)


def ask(key: str, domain: str = OWN, path: str = f"/prod{PATH}") -> Answer:
    intake = Intake({"key": Source("web")}.get, NoQueue(), lambda: "id")
    return intake.browser_settings(key, domain=domain, path=path)


def test_a_known_key_has_settings() -> None:
    answer = ask("key")
    assert answer.status == 200
    assert answer.body == settings_document("key", Address("https", f"{OWN}/prod/v1"))


@pytest.mark.parametrize("key", ["other", "", "key "])
def test_an_unknown_key_has_none(key: str) -> None:
    answer = ask(key)
    assert (answer.status, answer.body["code"]) == (404, "not_found")
    assert answer.body["message"] == "there is no such write key"
    assert answer.body["success"] is False


def test_an_address_that_no_sdk_can_send_to_is_refused() -> None:
    answer = ask("key", domain="evil")
    assert (answer.status, answer.body["code"]) == (400, "invalid")
