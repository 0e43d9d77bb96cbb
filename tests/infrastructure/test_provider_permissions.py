"""What delivery may send through follows from which providers a stage has chosen."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from infra.reaching_out import providers
from infra.settings import STAGES, Settings, SettingsError, Stage
from stepwell.messages.lanes import Lane
from stepwell.messages.services import Service

POOL = "arn:aws:sms-voice:eu-west-1:123456789012:pool/pool-0123456789abcdef"
APPLICATION = "arn:aws:sns:eu-west-1:123456789012:app/GCM/shop"
DEV = STAGES[Stage.DEV]


def allowed(settings: Settings) -> dict[str, set[str]]:
    """Action -> resources, without account and Region; `not …` where all others are allowed."""
    found: dict[str, set[str]] = {}
    for permission in providers(settings):
        resources = [*permission.resources, *(f"not {each}" for each in permission.all_but)]
        plain = {re.sub(r"\$\{Token[^}]*\}", "", each) for each in resources}
        for action in permission.actions:
            found[action] = found.get(action, set()) | plain
    return found


def test_with_nothing_set_up_there_are_email_and_texts_of_any_number_of_the_account() -> None:
    assert allowed(DEV) == {
        "ses:SendEmail": {
            "arn::ses:::identity/example.com",
            "arn::ses:::identity/shop@example.com",
        },
        "sms-voice:SendTextMessage": {
            f"arn::sms-voice:::{kind}/*" for kind in ("pool", "phone-number", "sender-id")
        },
    }


def test_a_chosen_origination_is_the_only_one() -> None:
    found = allowed(replace(DEV, sms_origination=POOL))
    assert found["sms-voice:SendTextMessage"] == {POOL}


def test_sns_for_texts_and_push() -> None:
    settings = replace(
        DEV,
        sms_provider=Service.SNS,
        push_provider=Service.SNS,
        push_application_arn=APPLICATION,
    )
    found = allowed(settings)
    assert found["sns:Publish"] == {
        "not arn::sns:*:*:*",  # numbers, which have no ARN: no topic
        "arn:aws:sns:eu-west-1:123456789012:endpoint/GCM/shop/*",
    }
    assert found["sns:CreatePlatformEndpoint"] == {APPLICATION}
    assert not [action for action in found if action.startswith(("sms-voice", "mobiletargeting"))]


def test_an_sns_application_is_no_permission_while_another_service_sends() -> None:
    assert not [
        action
        for action in allowed(replace(DEV, push_application_arn=APPLICATION))
        if action.startswith("sns:")
    ]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("sms_origination", "+12065550100"),
        ("sms_origination", POOL.replace("pool/pool", "queue/pool")),
        ("sms_configuration_set", "with space"),
        ("push_application_id", "shop"),
        ("whatsapp_number_id", "+12065550100"),
        ("lanes", {"sms": Lane("sms", 0)}),
        ("lanes", {"sms": Lane("sms", 1, kept=1)}),
    ],
)
def test_a_setting_that_cannot_be_is_named(name: str, wrong: object) -> None:
    changes: dict[str, object] = {name: wrong}
    with pytest.raises(SettingsError, match=name):
        replace(DEV, **changes)  # type: ignore[arg-type]  # what a file could have
