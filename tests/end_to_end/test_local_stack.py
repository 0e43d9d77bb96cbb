"""`make run` as a user has it: real templates, processes, queues, HTTP; a small replay."""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from stepwell.aws.dynamodb import DynamoStore
from stepwell.cli.main import main
from stepwell.customers import keys
from stepwell.messages.inbox import put_in
from stepwell.storage.operations import Put
from tests.support.local_stack import PATIENCE, ROOT, Stack, free_port, in_account, make

PEOPLE = {"cart-customer", "quick-buyer", "two-carts", "trial-active", "trial-quiet"}


@pytest.fixture(scope="module", autouse=True)
def templates() -> None:
    """cdk.out as the code is now; make knows whether it has to be written anew."""
    make("synth")


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the default replay, the people whose stories are told."""
    lines = (ROOT / "events/replays/first_two_days/events.jsonl").read_text().splitlines()
    path = tmp_path_factory.mktemp("replay") / "events.jsonl"
    path.write_text("\n".join(line for line in lines if json.loads(line).get("userId") in PEOPLE))
    return path


@pytest.fixture(scope="module")
def up(replay: Path) -> Iterator[Stack]:
    """A stack that has played the replay and stays up, whatever AWS its user works with."""
    elsewhere = {"AWS_PROFILE": "nope", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    stack = Stack(REPLAY=str(replay), SPEED="1", **elsewhere)
    try:
        stack.read_until("Ctrl-C ends it all")
        yield stack
    finally:
        if stack.process.poll() is None:
            stack.process.kill()
        stack.process.wait()


def test_the_cart_message_waits_for_the_end_of_quiet_hours(up: Stack) -> None:
    (asked,) = up.decisions("21:59 EST", "cart-customer", "cart_abandonment")
    assert re.search(r"sms +deferred +quiet_hours until Wed 08:0\d$", asked)
    assert up.decisions("Wed 01 Dec 08:0", "EST", "cart_abandonment", "sms", "sent")


def test_a_nudge_that_is_due_at_night_waits_for_the_morning(up: Stack) -> None:
    (asked,) = up.decisions("Sat 04 Dec 22:40 GMT", "trial-quiet", "onboarding/first_nudge")
    assert "deferred quiet_hours until Sun 07:00" in asked
    assert up.decisions("Sun 05 Dec 07:00 GMT", "trial-quiet", "push", "sent")
    assert up.decisions("Wed 08 Dec 07:00 GMT", "trial-quiet", "email", "sent")


def test_what_is_not_created_is_listed(up: Stack) -> None:
    text = "\n".join(up.lines)
    assert re.search(r"AWS::ApiGateway::Stage +the local HTTP server", text)
    assert re.search(r"Custom::CDKBucketDeployment +the files are copied", text)


def test_every_journey_waits_and_chooses(up: Stack) -> None:
    endpoint = next(line for line in up.lines if "AWS answers at" in line)
    url = re.search(r"http://\S+:\d+", endpoint)
    assert url
    states: Any = boto3.client(
        "stepfunctions",
        endpoint_url=url[0],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    for journey in ("cart_abandonment", "onboarding", "post_purchase", "win_back"):
        arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:stepwell-local-{journey}"
        kinds: set[str] = set()
        for execution in states.list_executions(stateMachineArn=arn)["executions"]:
            history = states.get_execution_history(executionArn=execution["executionArn"])
            kinds |= {event["type"] for event in history["events"]}
            assert execution["status"] in {"SUCCEEDED", "ABORTED"}
        assert {"WaitStateEntered", "ChoiceStateEntered"} <= kinds, journey


def test_an_order_ends_the_cart_at_once(up: Stack) -> None:
    status, body = up.call("/admin/customers/quick-buyer")
    assert status == 200
    ended = {each["journey"]: each["outcome"] for each in json.loads(body)["enrollments"]}
    assert ended["cart_abandonment"] in {"exited", "converted"}


def test_segments_are_asked_of_over_http(up: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--url", f"http://127.0.0.1:{up.port}", "--json"]
    assert main(["segment", "count", "regulars", *place]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted["looked_at"] >= len(PEOPLE)
    assert main(["segment", "explain", "regulars", "quick-buyer", *place]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["why"]["condition"] == "customer.computed.orders_180d >= 3.0"
    assert len(found["computed"]["orders_180d"]["events"]) == found["why"]["reads"][0]["value"] > 0


def test_a_link_of_the_outbox_ends_emails_and_the_inbox_is_its_users(up: Stack) -> None:
    sent = up.call("/outbox")[1]
    links = re.findall(rf"Unsubscribe: http://localhost:{up.port}(/v1/unsubscribe\?t=(\S+))", sent)
    path, token = links[0]
    whose, purpose, channel, *_ = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    status, page = up.call(path)
    assert (status, page.count("<form")) == (200, 1)
    assert up.call(path, {})[0] == 200
    assert up.call(path[:-1])[0] == 400
    deadline = time.monotonic() + 60
    while consent(up, whose, purpose, channel) != "revoked":
        assert time.monotonic() < deadline
        time.sleep(0.2)

    user = json.loads(up.call(f"/admin/customers/{whose}")[1])["profile"]["user_id"]
    signed = in_account(up, "inbox-token", user).strip()
    message = put_into_inbox(up, whose)
    status, shown = up.call("/v1/inbox", token=signed)
    assert (status, json.loads(shown)["messages"][0]["title"]) == (200, "Hello")
    assert up.call(f"/v1/inbox/{message}/dismissed", {}, token=signed)[0] == 200
    assert json.loads(up.call("/v1/inbox", token=signed)[1])["messages"] == []
    assert up.call("/v1/inbox")[0] == up.call("/v1/inbox", token="x.y.z")[0] == 401


def consent(up: Stack, customer: str, purpose: str, channel: str) -> Any:
    found = json.loads(up.call(f"/admin/customers/{customer}")[1])
    return found["consents"].get(f"{purpose}#{channel}", {}).get("status")


def put_into_inbox(up: Stack, customer: str) -> str:
    """As delivery does: no shipped journey has a message for the app."""
    endpoint = re.search(r"http://\S+:\d+", next(x for x in up.lines if "AWS answers at" in x))
    assert endpoint
    client: Any = boto3.client(
        "dynamodb",
        endpoint_url=endpoint[0],
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    store = DynamoStore(client, "stepwell-local-customers", "stepwell-local-records")
    message = f"{customer}-0123456789abcdef-1.hello"
    item = {"message": message, "step": "hello", "journey": "j", "purpose": "marketing"}
    store.write(Put(keys.message(customer, message), item))
    put_in(store, customer, message, {"title": "Hello", "body": "You"}, datetime.now(UTC))
    return message


def test_the_api_answers_as_api_gateway_does(up: Stack) -> None:
    assert up.call("/")[0] == 200
    said = '{"success": false, "code": "%s", "message": "%s"}'
    assert up.call("/nothing/there") == (404, said % ("NOT_FOUND", "Not Found"))
    assert up.call("/v1/track") == (405, said % ("METHOD_NOT_ALLOWED", "Method Not Allowed"))
    description = json.loads(up.call("/v1/openapi.json")[1])
    assert description == json.loads((ROOT / "docs/openapi.json").read_text())
    event = {"userId": "you", "event": "Order Completed", "messageId": "m1"}
    assert up.call("/v1/track", event, key="wrong")[0] == 401
    assert up.call("/v1/track", {"userId": "you"})[0] == 400
    assert up.call("/admin/customers/nobody")[0] == 404


def test_the_messages_can_be_read(up: Stack) -> None:
    status, text = up.call("/outbox")
    assert status == 200
    assert re.search(r"^2010-12-01 13:0\d UTC  sms  to \+1\d+\n    \w", text, re.MULTILINE)
    assert re.search(r"^2010-12-08 07:00 UTC  email  to \S+@\S+\n    subject: ", text, re.MULTILINE)
    assert "/outbox" in up.call("/")[1]


def test_an_event_sent_by_hand_is_taken(up: Stack) -> None:
    person = {"userId": "new-one", "traits": {"timezone": "Europe/Paris"}, "messageId": "h1"}
    assert up.call("/v1/identify", person) == (200, '{"success": true}')
    deadline = time.monotonic() + 60
    while up.call("/admin/customers/new-one")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_ctrl_c_ends_it_cleanly(up: Stack) -> None:
    """Last, for it ends the stack that the tests above look at."""
    workers = up.workers()
    assert up.end() == 0
    assert not [each for each in workers if Path(f"/proc/{each}").exists()]
    assert "Traceback" not in "\n".join(up.lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_while_executions_wait(number: int) -> None:
    stack = Stack(REPLAY="none")
    stack.read_until("Ctrl-C ends it all")
    for customer in range(5):
        event = {
            "userId": f"waiting-{customer}",
            "event": "Product Added",
            "properties": {"cart_id": "c", "name": "Dress", "price": 280, "cart_value": 280},
        }
        assert stack.call("/v1/track", event)[0] == 200
    stack.wait_for("waiting-0", "cart_abandonment")
    assert not [line for line in stack.lines if "Executions" in line or "Decisions" in line]
    workers = stack.workers()
    assert len(workers) >= 2
    assert stack.end(number) == 0
    assert not [each for each in workers if Path(f"/proc/{each}").exists()]
    assert "Traceback" not in "\n".join(stack.lines)


def test_it_ends_when_nobody_reads_its_output_any_more(tmp_path: Path) -> None:
    settings = {**os.environ, "PORT": str(free_port()), "REPLAY": "none"}
    with (tmp_path / "errors").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            cwd=ROOT,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(60) == 130
        errors.seek(0)
        assert errors.read() == ""


def test_other_policies_and_an_end_after_the_replay(replay: Path, tmp_path: Path) -> None:
    policies = tmp_path / "policies.yaml"
    shipped = (ROOT / "statemachines/policies.yaml").read_text()
    assert 'from: "21:00"' in shipped
    policies.write_text(shipped.replace('from: "21:00"', 'from: "22:00"'))
    stack = Stack(REPLAY=str(replay), KEEP="0", POLICIES=str(policies))
    stack.read_all()
    assert stack.process.wait(PATIENCE) == 0, "\n".join(stack.lines)
    assert re.search(r"sms +sent", stack.decisions("21:59 EST", "cart_abandonment")[0])


@pytest.mark.parametrize(
    ("option", "value"),
    [("PORT", "http"), ("SPEED", "fast"), ("REPLAY", "nowhere"), ("KEEP", "2"), ("POLICIES", "x")],
)
def test_an_option_that_cannot_be_used_is_named_in_one_line(option: str, value: str) -> None:
    stack = Stack(**{option: value})
    stack.read_all()
    assert stack.process.wait(PATIENCE) == 2
    (line,) = stack.lines
    assert line.startswith(f"stepwell: {option}={value}: ")


def test_files_are_checked_before_anything_starts(tmp_path: Path) -> None:
    policies = tmp_path / "policies.yaml"
    policies.write_text("purposes: {}\nspread: long\n")
    stack = Stack(POLICIES=str(policies))
    stack.read_all()
    assert stack.process.wait(PATIENCE) == 2
    assert len(stack.lines) == 2
    assert all(line.startswith(f"stepwell: {policies}:") for line in stack.lines)


def test_a_port_in_use_is_said_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        stack = Stack(PORT=port)
        stack.read_all()
    assert stack.process.wait(PATIENCE) == 2
    assert stack.lines[0].startswith(f"stepwell: PORT={port}: in use; ")


def test_ctrl_c_while_it_deploys_or_plays_is_no_error(replay: Path) -> None:
    stack = Stack(REPLAY=str(replay))
    stack.read_until("deploying")
    assert stack.end() == 130
    assert "Traceback" not in "\n".join(stack.lines)
