"""What destinations get: a real POST, and what fits the models of Connect and EventBridge."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra.local.clock import StepClock
from infra.local.messaging import MessagingEndpoint
from infra.local.moto_patches.providers import Taken
from stepwell.aws.destinations.connect import ConnectTeller
from stepwell.aws.destinations.event_bus import EventBusTeller
from stepwell.aws.destinations.webhook import WebhookTeller
from stepwell.handover.destinations import ConnectTask, Destination, EventBus, Webhook
from stepwell.handover.errors import DestinationAwayError, DestinationRefusedError
from stepwell.handover.telling import HandOver
from tests.support.handovers import Receiver

NOW = datetime(2026, 11, 24, 21, 14, tzinfo=UTC)
INSTANCE = "11111111-2222-3333-4444-555555555555"
FLOW = "66666666-7777-8888-9999-000000000000"
BUS = EventBus("default", "stepwell", "Hand-over")
TASK = ConnectTask(
    INSTANCE, FLOW, "Somebody asks", {"profile": "https://a.example/{customer}", "team": "blue"}
)
DOCUMENT = {
    "id": "x1-ask",
    "reason": "Somebody is stuck",
    "customer": {"id": "c1", "user_id": "ada", "traits": {"first_name": "Ada", "age": 36}},
    "destination": "helpdesk",
    "journey": "care",
    "version": "v1",
    "execution": "x1",
    "step": "ask",
    "signals": {"urgency": {"value": "high", "rule": "asap"}},
}
HAND_OVER = HandOver("x1-ask", Destination("helpdesk", BUS, ()), DOCUMENT)


def teller(stage: str = "local", instead: str = "") -> WebhookTeller:
    return WebhookTeller(stage, lambda name: [name.encode(), b"before"], instead)


# ------------------------------------------------------------------------------------ webhooks


def test_a_webhook_is_a_signed_post_with_the_hand_overs_id() -> None:
    with Receiver() as receiver:
        assert teller().tell(Webhook(receiver.url, 5), HAND_OVER) == "HTTP 202"
    (call,) = receiver.received
    assert (call.path, call.document) == ("/hooks", DOCUMENT)
    assert call.headers["content-type"] == "application/json"
    assert call.headers["idempotency-key"] == call.headers["webhook-id"] == "x1-ask"
    content = f"x1-ask.{call.headers['webhook-timestamp']}.".encode() + call.body
    expected = [
        "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        for key in (b"helpdesk", b"before")
    ]
    assert call.headers["webhook-signature"].split() == expected
    assert abs(time.time() - int(call.headers["webhook-timestamp"])) < 60


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, DestinationRefusedError),
        (404, DestinationRefusedError),
        (410, DestinationRefusedError),
        (302, DestinationRefusedError),
        (408, DestinationAwayError),
        (409, DestinationAwayError),
        (429, DestinationAwayError),
        (500, DestinationAwayError),
        (503, DestinationAwayError),
    ],
)
def test_a_status_says_whether_asking_again_helps(status: int, error: type[Exception]) -> None:
    with Receiver([status]) as receiver, pytest.raises(error, match=f"HTTP {status}"):
        teller().tell(Webhook(receiver.url, 5), HAND_OVER)
    assert len(receiver.received) == 1, "a redirect is not followed, and nothing is sent again"


def test_one_that_hangs_is_given_its_time_and_no_more() -> None:
    began = time.monotonic()
    with Receiver([0]) as receiver, pytest.raises(DestinationAwayError, match="ReadTimeoutError"):
        teller().tell(Webhook(receiver.url, 1), HAND_OVER)
    assert 0.9 < time.monotonic() - began < 30


def test_one_that_is_not_there_is_away_and_its_address_is_not_told() -> None:
    with Receiver() as receiver:
        url = receiver.url
    with pytest.raises(DestinationAwayError) as error:
        teller().tell(Webhook(url, 1), HAND_OVER)
    assert str(error.value) == "NewConnectionError"


@pytest.mark.parametrize(
    ("stage", "url"),
    [("local", "http://helpdesk.example/hooks"), ("prod", "http://localhost:9/hooks")],
)
def test_nothing_is_sent_in_clear_but_to_this_machine_in_the_local_stage(
    stage: str, url: str
) -> None:
    with pytest.raises(DestinationRefusedError, match="not https"):
        teller(stage).tell(Webhook(url, 1), HAND_OVER)


def test_a_certificate_that_nobody_has_signed_is_refused(tmp_path: Path) -> None:
    with Receiver() as receiver:
        receiver._server.socket = _self_signed(tmp_path).wrap_socket(
            receiver._server.socket, server_side=True
        )
        url = receiver.url.replace("http:", "https:")
        with pytest.raises(DestinationRefusedError, match="SSLError"):
            teller("prod").tell(Webhook(url, 2), HAND_OVER)
    assert receiver.received == []


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


# ------------------------------------------------------------------- Connect and EventBridge


@pytest.fixture
def taken() -> list[Taken]:
    return []


@pytest.fixture
def url(taken: list[Taken]) -> Iterator[str]:
    with MessagingEndpoint(StepClock(NOW), taken.append) as endpoint:
        yield endpoint.url


def client(service: str, url: str | None = None) -> Any:
    return boto3.client(service, region_name="eu-west-1", endpoint_url=url)


def test_a_task_of_connect_shows_who_and_why_and_is_made_once() -> None:
    connect = client("connect")
    stub = Stubber(connect)
    expected = {
        "InstanceId": INSTANCE,
        "ContactFlowId": FLOW,
        "Name": "Somebody asks",
        "Description": "Somebody is stuck\nurgency: high (asap)",
        "References": {
            "customer": {"Type": "STRING", "Value": "c1"},
            "user_id": {"Type": "STRING", "Value": "ada"},
            "first_name": {"Type": "STRING", "Value": "Ada"},
            "age": {"Type": "STRING", "Value": "36"},
            "profile": {"Type": "URL", "Value": "https://a.example/c1"},
            "team": {"Type": "STRING", "Value": "blue"},
        },
        "Attributes": {
            "hand_over": "x1-ask",
            "customer": "c1",
            "journey": "care",
            "version": "v1",
            "execution": "x1",
            "step": "ask",
        },
        "ClientToken": "x1-ask",
    }
    stub.add_response("start_task_contact", {"ContactId": "contact-1"}, expected)
    with stub:
        assert ConnectTeller(connect).tell(TASK, HAND_OVER) == "contact-1"


def test_what_connect_is_asked_fits_its_model(url: str, taken: list[Taken]) -> None:
    long = replace(HAND_OVER, document={**DOCUMENT, "reason": "x" * 5000})
    assert ConnectTeller(client("connect", url)).tell(TASK, long)
    assert [(each.channel, each.address) for each in taken] == [("connect_task", INSTANCE)]
    assert taken[0].content["first_name"] == "Ada"


def test_an_event_has_the_document_as_its_detail(url: str, taken: list[Taken]) -> None:
    assert EventBusTeller(client("events", url)).tell(BUS, HAND_OVER)
    (event,) = taken
    assert (event.channel, event.address) == ("event_bus", "default")
    assert event.content["event"] == "Hand-over of stepwell"
    assert json.loads(event.content["body"]) == DOCUMENT


def test_the_local_stack_keeps_webhooks_to_itself(url: str, taken: list[Taken]) -> None:
    here = f"{url}/hand-overs"
    assert teller(instead=here).tell(Webhook("https://a.example/", 2), HAND_OVER) == "HTTP 200"
    assert [(each.channel, each.address) for each in taken] == [("webhook", "helpdesk")]
    with Receiver() as receiver:  # one that runs on this machine is asked itself
        assert teller(instead=here).tell(Webhook(receiver.url, 2), HAND_OVER) == "HTTP 202"


@pytest.mark.parametrize("service", ["connect", "events"])
def test_functions_of_the_local_stack_find_its_endpoint(service: str) -> None:
    with MessagingEndpoint(StepClock(NOW), print) as endpoint:
        with patch.dict(os.environ, endpoint.environment()):
            assert client(service).meta.endpoint_url == endpoint.url
        assert endpoint.environment()["WEBHOOKS_GO_TO"] == f"{endpoint.url}/hand-overs"


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ThrottlingException", 429, DestinationAwayError),
        ("InternalServiceException", 500, DestinationAwayError),
        ("LimitExceededException", 429, DestinationAwayError),
        ("ResourceNotFoundException", 404, DestinationRefusedError),
        ("AccessDeniedException", 403, DestinationRefusedError),
    ],
)
def test_what_connect_answers_says_whether_asking_again_helps(
    code: str, status: int, error: type[Exception]
) -> None:
    connect = client("connect")
    stub = Stubber(connect)
    stub.add_client_error("start_task_contact", code, http_status_code=status)
    with stub, pytest.raises(error, match=code) as raised:
        ConnectTeller(connect).tell(TASK, HAND_OVER)
    cause = raised.value.__cause__
    assert cause is not None
    assert isinstance(cause.__cause__, ClientError)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("ThrottlingException", DestinationAwayError),
        ("InternalFailure", DestinationAwayError),
        ("NotAuthorizedForSource", DestinationRefusedError),
    ],
)
def test_an_entry_that_a_bus_did_not_take_is_no_success(code: str, error: type[Exception]) -> None:
    events = client("events")
    stub = Stubber(events)
    failed = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}
    stub.add_response("put_events", failed)
    with stub, pytest.raises(error, match=code):
        EventBusTeller(events).tell(BUS, HAND_OVER)
