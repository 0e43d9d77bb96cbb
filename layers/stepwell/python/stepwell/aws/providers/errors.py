"""botocore's errors as the two that the engine knows: definitely not sent, and unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from stepwell.ports import ErrorKind, OutcomeUnknownError, ProviderError

_THROTTLED = {
    "KMSThrottling",
    "RequestLimitExceeded",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "ThrottledRequestException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
_TEMPORARY = {
    "ExpiredToken",
    "ExpiredTokenException",
    "LimitExceededException",
    "SendingPausedException",
    "ServiceQuotaExceededException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
}
"""Also what an account may not send any more today or this month: spend limits, daily quotas."""
_ADDRESS_REASONS = {
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE",
    "DESTINATION_PHONE_NUMBER_OPTED_OUT",
}
_ADDRESS = {"EndpointDisabled", "EndpointDisabledException", "OptedOut", "OptedOutException"}
_NEVER_CONNECTED = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
_ANSWER_LOST = (HTTPClientError, IncompleteReadError, ResponseParserError, SSLError)


@contextmanager
def send_errors() -> Iterator[None]:
    """Around the one call that sends. Raises ProviderError or OutcomeUnknownError instead."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(error) from error
    except _NEVER_CONNECTED as error:
        raise ProviderError(type(error).__name__, ErrorKind.TEMPORARY) from error
    except _ANSWER_LOST as error:
        raise OutcomeUnknownError(type(error).__name__) from error
    except BotoCoreError as error:
        # Refused before a byte was sent: a wrong parameter, no credentials.
        raise ProviderError(type(error).__name__, ErrorKind.CONFIGURATION) from error


@contextmanager
def preparation_errors() -> Iterator[None]:
    """Around a call that sends nothing yet: whatever was lost, it can be asked again."""
    try:
        with send_errors():
            yield
    except OutcomeUnknownError as error:
        raise ProviderError(str(error), ErrorKind.TEMPORARY) from error


def _of_answer(error: ClientError) -> ProviderError | OutcomeUnknownError:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLED or status == 429:
        return ProviderError(code, ErrorKind.THROTTLED)
    if code in _TEMPORARY or status == 503:
        return ProviderError(code, ErrorKind.TEMPORARY)
    if status >= 500:
        # "An unknown error": the service itself does not say whether it took the message.
        return OutcomeUnknownError(code)
    if code in _ADDRESS or _is_about_the_number(error):
        return ProviderError(code, ErrorKind.ADDRESS)
    return ProviderError(code, ErrorKind.CONFIGURATION)


def _is_about_the_number(error: ClientError) -> bool:
    """By what End User Messaging says besides a code that it has for many things."""
    answer: Mapping[str, Any] = error.response
    fields = [each.get("Name") for each in answer.get("Fields") or ()]
    return answer.get("Reason") in _ADDRESS_REASONS or fields == ["DestinationPhoneNumber"]
