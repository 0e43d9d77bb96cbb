"""What is told of a failure: all that helps, and no value."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from stepwell.aws.failures import described, summary, without_values
from stepwell.storage.operations import StoreBusyError

REFUSED = ClientError(
    {"Error": {"Code": "ValidationException", "Message": "ada@example.com is no number"}},
    "PutItem",
)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StoreBusyError("ThrottlingException"), "ThrottlingException"),
        (REFUSED, "ValidationException when calling PutItem"),
        (ValueError("ada@example.com"), "its message is left out: it may quote a customer's value"),
        (KeyError("ada"), "its message is left out: it may quote a customer's value"),
    ],
)
def test_a_summary_has_our_own_words_only(error: Exception, said: str) -> None:
    assert summary(error) == said


def ask() -> None:
    raise ReadTimeoutError(endpoint_url="https://example.com/ada")


def fail() -> None:
    try:
        ask()
    except ReadTimeoutError as error:
        raise StoreBusyError("no answer") from error


def test_a_description_names_place_and_cause() -> None:
    with pytest.raises(StoreBusyError) as caught:
        fail()
    told = described(caught.value)
    assert (told["error"], told["message"]) == ("StoreBusyError", "no answer")
    assert told["at"][-1].endswith(" fail")
    assert told["because"]["error"] == "ReadTimeoutError"
    assert "ada" not in str(told["because"])


def test_a_handler_fails_by_the_same_name_at_the_same_place() -> None:
    @without_values
    def handler(event: str) -> str:
        raise ValueError(event)

    with pytest.raises(Exception, match="left out") as caught:
        handler("ada@example.com")
    assert type(caught.value).__name__ == "ValueError"
    assert caught.traceback[-1].name == "handler"
    assert caught.value.__cause__ is None


def test_our_own_errors_go_on_as_they_are() -> None:
    """State machines retry them by their names."""
    busy = StoreBusyError("ThrottlingException")

    @without_values
    def handler() -> None:
        raise busy

    with pytest.raises(StoreBusyError) as caught:
        handler()
    assert caught.value is busy


def test_an_answer_is_given_on() -> None:
    assert without_values(lambda event, context: (event, context))(1, 2) == (1, 2)
