"""botocore's errors as the two that the engine knows: definitely not sent, and unknown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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

from stepwell.ports import OutcomeUnknownError, ProviderError

_PUSHED_BACK = {
    "ExpiredToken",
    "ExpiredTokenException",
    "KMSThrottling",
    "LimitExceededException",
    "RequestLimitExceeded",
    "SendingPausedException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
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
        raise ProviderError(type(error).__name__, retry=True) from error
    except _ANSWER_LOST as error:
        raise OutcomeUnknownError(type(error).__name__) from error
    except BotoCoreError as error:
        # Refused before a byte was sent: a wrong parameter, no credentials.
        raise ProviderError(type(error).__name__, retry=False) from error


@contextmanager
def preparation_errors() -> Iterator[None]:
    """Around a call that sends nothing yet: whatever was lost, it can be asked again."""
    try:
        with send_errors():
            yield
    except OutcomeUnknownError as error:
        raise ProviderError(str(error), retry=True) from error


def _of_answer(error: ClientError) -> ProviderError | OutcomeUnknownError:
    code = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _PUSHED_BACK or status in {429, 503}:
        return ProviderError(code, retry=True)
    if status >= 500:
        # "An unknown error": the service itself does not say whether it took the message.
        return OutcomeUnknownError(code)
    return ProviderError(code, retry=False)
