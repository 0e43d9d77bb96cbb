"""The sends of AWS End User Messaging, which moto lacks, answered on this machine.

SMS (`pinpoint-sms-voice-v2`), push (`pinpoint` SendMessages), WhatsApp (`socialmessaging`), and the
destinations of hand-overs (`connect`, `events`, webhooks): each request is read as the service
would read it and held to botocore's model of it, patterns and choices included, so that what is
taken here is at least well formed there. What was taken is told.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import botocore.session
from botocore.model import OperationModel, Shape, StructureShape
from botocore.validate import ParamValidator

from infra.local.clock import StepClock
from infra.local.hand_overs import (
    CONNECT_PATH,
    EVENTS_TARGET,
    WEBHOOKS_PATH,
    put_events,
    start_task_contact,
    webhook,
)
from infra.local.moto_patches.providers import OnTaken, Taken

ENDPOINTS = (
    "AWS_ENDPOINT_URL_PINPOINT",
    "AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2",
    "AWS_ENDPOINT_URL_SOCIALMESSAGING",
    "AWS_ENDPOINT_URL_CONNECT",
    "AWS_ENDPOINT_URL_EVENTBRIDGE",
)
"""The environment variables by which boto3 finds it."""
_PUSH_PATH = re.compile(r"/v1/apps/([^/]+)/messages")
_WHATSAPP_PATH = "/v1/whatsapp/send"
_SMS_TARGET = "PinpointSMSVoiceV2.SendTextMessage"


class RefusedError(Exception):
    """The request is none that the service would take; the message says why."""


@dataclass(frozen=True, slots=True)
class Call:
    service: str
    operation: str
    parameters: dict[str, Any]


class MessagingEndpoint:
    """Serves on 127.0.0.1 while it is entered; `url` is where."""

    def __init__(self, clock: StepClock, on_taken: OnTaken) -> None:
        self._clock = clock
        self._on_taken = on_taken
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.endpoint = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self) -> dict[str, str]:
        """What functions need to find it."""
        return {**dict.fromkeys(ENDPOINTS, self.url), "WEBHOOKS_GO_TO": self.url + WEBHOOKS_PATH}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, target: str, body: bytes) -> Any:
        """Raises RefusedError."""
        if path == WEBHOOKS_PATH:
            answer, taken = _webhook(body)
        else:
            call = read_call(path, target, body)
            check(call)
            answer, taken = _ANSWERS[call.operation](call.parameters)
        for channel, address, content in taken:
            self._on_taken(Taken(self._clock.now(), channel, address, content))
        return answer


def read_call(path: str, target: str, body: bytes) -> Call:
    """What the request asks for. Raises RefusedError."""
    try:
        document = json.loads(body)
    except ValueError as error:
        raise RefusedError("the body is no JSON") from error
    if target == _SMS_TARGET:
        return Call("pinpoint-sms-voice-v2", "SendTextMessage", document)
    if target == EVENTS_TARGET:
        return Call("events", "PutEvents", document)
    if path == CONNECT_PATH:
        return Call("connect", "StartTaskContact", document)
    push = _PUSH_PATH.fullmatch(path)
    if push:
        parameters = {"ApplicationId": push[1], "MessageRequest": document}
        return Call("pinpoint", "SendMessages", parameters)
    if path == _WHATSAPP_PATH:
        message = base64.b64decode(document.get("message", ""))
        return Call("socialmessaging", "SendWhatsAppMessage", {**document, "message": message})
    raise RefusedError(f"{target or path} is none of the sends that are answered here")


def check(call: Call) -> None:
    """Hold the parameters to the service's model. Raises RefusedError naming what is wrong."""
    shape = _model(call.service, call.operation).input_shape
    if shape is None:
        raise RefusedError(f"{call.operation} takes nothing")
    report = ParamValidator().validate(call.parameters, shape)
    problems = [report.generate_report()] if report.has_errors() else []
    problems += _beyond(shape, call.parameters, "")
    if problems:
        raise RefusedError("; ".join(problems))


def _beyond(shape: Shape, given: Any, path: str) -> list[str]:
    """What botocore leaves to the service: names, choices, patterns, lengths."""
    if isinstance(shape, StructureShape) and isinstance(given, Mapping):
        unknown = [f"{path}.{name} is unknown" for name in given if name not in shape.members]
        known = [(shape.members[name], each, name) for name, each in given.items()]
        return unknown + [
            problem
            for member, each, name in known
            for problem in _beyond(member, each, f"{path}.{name}")
        ]
    return [] if not isinstance(given, str) else _text_problems(shape, given, path)


def _text_problems(shape: Shape, given: str, path: str) -> list[str]:
    chosen: list[str] = getattr(shape, "enum", [])
    if chosen and given not in chosen:
        return [f"{path} is none of {', '.join(chosen)}"]
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, given):
        return [f"{path} does not match {pattern}"]
    most = shape.metadata.get("max")
    return [f"{path} is longer than {most}"] if most and len(given) > most else []


@cache
def _model(service: str, operation: str) -> OperationModel:
    return botocore.session.get_session().get_service_model(service).operation_model(operation)


_Taken = list[tuple[str, str, dict[str, str]]]


def _text_message(parameters: dict[str, Any]) -> tuple[Any, _Taken]:
    content = {"body": parameters["MessageBody"]}
    return (
        {"MessageId": str(uuid.uuid4())},
        [("sms", parameters["DestinationPhoneNumber"], content)],
    )


def _push(parameters: dict[str, Any]) -> tuple[Any, _Taken]:
    request = parameters["MessageRequest"]
    results: dict[str, Any] = {}
    taken: _Taken = []
    for token, address in request.get("Addresses", {}).items():
        message = request["MessageConfiguration"].get(f"{address['ChannelType']}Message", {})
        content = {"title": message.get("Title", ""), "body": message.get("Body", "")}
        taken.append(("push", token, content))
        results[token] = {
            "DeliveryStatus": "SUCCESSFUL",
            "MessageId": str(uuid.uuid4()),
            "StatusCode": 200,
        }
    return {"ApplicationId": parameters["ApplicationId"], "Result": results}, taken


def _whatsapp(parameters: dict[str, Any]) -> tuple[Any, _Taken]:
    try:
        message = json.loads(parameters["message"])
        template = message["template"]
        texts = [
            each["text"]
            for component in template.get("components", [])
            for each in component["parameters"]
        ]
        content = {"template": f"{template['name']} ({template['language']['code']})"}
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedError(f"message: Meta takes no such template message ({error!r})") from error
    content |= {"body": "\n".join(texts)} if texts else {}
    return {"messageId": str(uuid.uuid4())}, [("whatsapp", message["to"], content)]


def _webhook(body: bytes) -> tuple[Any, _Taken]:
    try:
        return webhook(body)
    except (ValueError, KeyError) as error:
        raise RefusedError(f"no hand-over ({error!r})") from error


_ANSWERS: Mapping[str, Callable[[dict[str, Any]], tuple[Any, _Taken]]] = {
    "SendTextMessage": _text_message,
    "SendMessages": _push,
    "SendWhatsAppMessage": _whatsapp,
    "PutEvents": put_events,
    "StartTaskContact": start_task_contact,
}


class _Server(ThreadingHTTPServer):
    endpoint: MessagingEndpoint
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.headers.get("X-Amz-Target", "")
        try:
            self._send(200, self.server.endpoint.answer(self.path, target, body))
        except RefusedError as error:
            self._send(400, {"__type": "ValidationException", "message": str(error)})

    def do_PUT(self) -> None:
        self.do_POST()

    def _send(self, status: int, document: Any) -> None:
        text = json.dumps(document).encode()
        self.send_response(status)
        if status >= 400:
            self.send_header("x-amzn-ErrorType", "ValidationException")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: what was taken is told, what was refused is the caller's error."""
