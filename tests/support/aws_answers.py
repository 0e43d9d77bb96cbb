"""boto3 clients with given answers, held to botocore's own model of the service.

For the calls that moto lacks: the request is checked by botocore before it gets here, and the
answer must be one that the service could give. A call without an answer goes on to moto, and
fails where moto does not have the service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.validate import validate_parameters


@dataclass(frozen=True)
class Refusal:
    """An error that the service answers."""

    code: str
    message: str = "refused"
    status: int = 400


DENIED = Refusal("AccessDeniedException", "you may not", 403)
Answer = Mapping[str, Any] | Refusal | Exception
"""An exception is raised, as where there is no answer at all."""


@dataclass
class AnsweringClients:
    """`answers` by service and operation, such as `("sesv2", "GetAccount")`.

    `called`: every operation that was asked for.
    """

    region: str
    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    in_moto: frozenset[str] = frozenset()
    called: list[tuple[str, str]] = field(default_factory=list)
    _made: dict[str, Any] = field(default_factory=dict)

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            made = boto3.client(service, region_name=self.region)
            made.meta.events.register("before-call", self._answer)
            self._made[service] = made
        return self._made[service]

    def _answer(self, model: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        asked = (model.service_model.service_name, model.name)
        self.called.append(asked)
        answer = self.answers.get(asked)
        if answer is None:
            assert asked[0] in self.in_moto, f"no answer for {asked}"
            return None
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Refusal):
            error = {"Code": answer.code, "Message": answer.message}
            metadata = {"HTTPStatusCode": answer.status}
            return _response(answer.status), {"Error": error, "ResponseMetadata": metadata}
        validate_parameters(answer, model.output_shape)
        return _response(200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}


def _response(status: int) -> AWSResponse:
    return AWSResponse("http://localhost", status, HTTPHeaders(), None)
