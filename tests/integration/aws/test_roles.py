"""Handlers call what their roles allow: every test with a `Stage` is held to it, as here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.roles import TEMPLATE, allowed, needed
from tests.support.stage import FUNCTIONS, PREFIX, Stage


def test_there_is_a_template_with_every_function() -> None:
    assert TEMPLATE.exists(), "make synth"
    assert {PREFIX + each.replace("_", "-") for each in FUNCTIONS} <= allowed().keys()


@pytest.mark.parametrize(
    ("function", "call", "grant"),
    [
        ("admin", ("sqs", "SendMessage", {}), ("sqs:SendMessage", "")),
        (
            "plan",
            ("dynamodb", "PutItem", {"TableName": f"{PREFIX}customers", "Item": {}}),
            ("dynamodb:PutItem", "customers"),
        ),
    ],
)
def test_a_call_that_the_role_does_not_allow_is_refused(
    function: str, call: tuple[str, str, dict[str, Any]], grant: tuple[str, str]
) -> None:
    service, operation, request = call
    assert needed(service, operation, request) == {grant}
    with Stage() as stage:

        def handler(_event: Any, _context: Any) -> None:
            any_client: Any = stage.engine.client(service)
            any_client._make_api_call(operation, request)

        stage.engine.replace_function(PREFIX + function, handler)
        result, error = stage.engine.try_invoke(PREFIX + function, {})
    assert error is not None
    assert f"{PREFIX}{function} may not do {grant[0]}" in result["errorMessage"]


def test_a_transaction_asks_for_each_of_its_writes() -> None:
    request = {
        "TransactItems": [
            {"Put": {"TableName": f"{PREFIX}records"}},
            {"ConditionCheck": {"TableName": f"{PREFIX}customers"}},
        ]
    }
    assert needed("dynamodb", "TransactWriteItems", request) == {
        ("dynamodb:PutItem", "records"),
        ("dynamodb:ConditionCheckItem", "customers"),
    }
