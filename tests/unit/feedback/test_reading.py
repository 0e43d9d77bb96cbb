"""Each provider's notice as it is documented, read into one form; and what is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stepwell.feedback.notices import InboundText, MessageNotice, NoticeError, message_of_tag
from stepwell.feedback.reading import read_notice
from stepwell.messages.policies import Machines
from stepwell.messages.receipts import Fate
from tests.support.feedback import MESSAGE, NAMES, sample
from tests.support.messages import CUSTOMER

AT = datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
SES, SMS = "0100018c2f0e1a2b-5d1e-000000", "5f0a1d5e-2f6d-4a38-9a53-1b6f4f2f9c11"
WHATSAPP = "4bee7d29-70f5-4a49-b84e-facf4424fe58"
EMAIL = {"channel": "email", "provider_id": SES, "customer": CUSTOMER, "message": MESSAGE}
TEXT = {"channel": "sms", "provider_id": SMS, "customer": CUSTOMER, "message": MESSAGE}
BY_ID = {"channel": "whatsapp", "provider_id": WHATSAPP, "customer": None, "message": None}
READ: dict[str, dict[str, Any]] = {
    "email_delivered": {**EMAIL, "fate": Fate.DELIVERED, "at": AT - timedelta(seconds=298)},
    "email_bounced": {
        **EMAIL,
        "fate": Fate.FAILED,
        "reason": "bounce_permanent_general",
        "suppresses": "bounce",
        "addresses": ("ada@example.com",),
    },
    "email_bounced_for_now": {
        **EMAIL,
        "fate": Fate.FAILED,
        "reason": "bounce_transient_mailboxfull",
        "addresses": ("ada@example.com",),
    },
    "email_complained": {
        **EMAIL,
        "fate": Fate.COMPLAINED,
        "reason": "abuse",
        "suppresses": "complaint",
        "addresses": ("ada@example.com",),
    },
    "email_opened": {**EMAIL, "fate": Fate.OPENED},
    "email_opened_by_machine": {
        **EMAIL,
        "fate": Fate.OPENED,
        "by_machine": True,
        "at": AT - timedelta(seconds=291),
    },
    "email_clicked": {
        **EMAIL,
        "fate": Fate.CLICKED,
        "link": "https://shop.example/dress",
        "at": AT + timedelta(minutes=1),
    },
    "email_rejected": {
        **EMAIL,
        "fate": Fate.FAILED,
        "reason": "rejected",
        "at": AT + timedelta(seconds=1),
    },
    "email_rendering_failed": {
        **EMAIL,
        "fate": Fate.FAILED,
        "reason": "rendering_failed",
        "at": AT + timedelta(seconds=1),
    },
    "sms_delivered": {**TEXT, "fate": Fate.DELIVERED, "addresses": ("+447700900123",)},
    "sms_unreachable": {
        **TEXT,
        "fate": Fate.FAILED,
        "reason": "carrier_unreachable",
        "addresses": ("+447700900123",),
    },
    "sms_invalid_without_number": {
        **TEXT,
        "fate": Fate.FAILED,
        "reason": "invalid",
        "suppresses": "invalid",
    },
    "whatsapp_delivered": {**BY_ID, "fate": Fate.DELIVERED, "told_by_id": True},
    "whatsapp_read": {**BY_ID, "fate": Fate.OPENED, "told_by_id": True},
    "whatsapp_failed": {
        **BY_ID,
        "fate": Fate.FAILED,
        "reason": "error_131026",
        "told_by_id": True,
    },
}
INBOUND = {
    "text_stop": "Please STOP texting me!",
    "text_start": "start",
    "text_reply": "Does the dress come in green?",
}


def test_there_is_an_expectation_for_every_sample() -> None:
    assert set(NAMES) == {*READ, *INBOUND, "sms_queued"}


@pytest.mark.parametrize("name", READ)
def test_a_notice_of_a_message(name: str) -> None:
    text = sample(name)
    expected = {"id": json.loads(text)["id"], "at": AT} | READ[name]
    assert read_notice(text, Machines()) == MessageNotice(**expected)


@pytest.mark.parametrize("name", INBOUND)
def test_a_text_of_a_customer(name: str) -> None:
    assert read_notice(sample(name), Machines()) == InboundText(
        f"{name}-0001", "+447700900123", INBOUND[name], "KEYWORD_447700900999", AT
    )


def changed(name: str, *path: str, to: Any) -> str:
    document = json.loads(sample(name))
    inner = document
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = to
    return json.dumps(document)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(sample("sms_queued"), id="not final"),
        pytest.param(
            changed("sms_delivered", "detail", "isFinal", to=False), id="delivered, maybe"
        ),
        pytest.param(
            changed("sms_unreachable", "detail", "eventType", to="TEXT_UNKNOWN"), id="nobody knows"
        ),
        pytest.param(changed("email_delivered", "detail-type", to="Email Sent"), id="sent"),
        pytest.param(
            changed(
                "email_complained", "detail", "complaint", "complaintFeedbackType", to="not-spam"
            ),
            id="taken out of the spam folder",
        ),
        pytest.param(
            changed("whatsapp_read", "detail-type", to="WhatsApp Message Received"), id="received"
        ),
        pytest.param('{"source": "aws.s3"}', id="another service"),
        pytest.param(changed("text_stop", "Message", to='{"hello": 1}'), id="another topic's"),
    ],
)
def test_what_says_nothing_new_is_left(text: str) -> None:
    assert read_notice(text, Machines()) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ada@example.com", id="no JSON"),
        pytest.param("[]", id="a list"),
        pytest.param(changed("email_bounced", "detail", to={}), id="no mail"),
        pytest.param(changed("email_bounced", "detail", "bounce", to={}), id="no bounce"),
        pytest.param(changed("sms_delivered", "detail", "eventTimestamp", to="soon"), id="time"),
        pytest.param(changed("whatsapp_read", "detail", to={"status": "read"}), id="no id"),
        pytest.param(
            sample("text_stop").replace("+447700900123", "ada@example.com"), id="no number"
        ),
    ],
)
def test_what_cannot_be_read_is_an_error_without_its_text(text: str) -> None:
    with pytest.raises(NoticeError) as caught:
        read_notice(text, Machines())
    assert "ada" not in str(caught.value)


def test_a_message_of_somebody_else_has_no_tags_of_ours() -> None:
    notice = read_notice(changed("email_bounced", "detail", "mail", "tags", to={}), Machines())
    assert isinstance(notice, MessageNotice)
    assert (notice.customer, notice.message, notice.told_by_id) == (None, None, False)


@pytest.mark.parametrize("between", [".", "--", "_"])
def test_a_messages_id_survives_what_a_provider_takes_in_tags(between: str) -> None:
    execution, step = "cada0000000000000000000001-0123456789abcdef-7", "second_nudge_2"
    assert message_of_tag(f"{execution}{between}{step}") == f"{execution}.{step}"


@pytest.mark.parametrize("text", [None, "", "suggest", "c1-0-7", "c1-0-7.", "c1 .suggest"])
def test_what_is_no_messages_id(text: str | None) -> None:
    assert message_of_tag(text) is None


@pytest.mark.parametrize(
    ("agent", "seconds", "machine"),
    [
        ("Mozilla/5.0", 86_400, True),
        ("Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)", 9, True),
        ("Mozilla/5.0 (Windows NT 5.1) Firefox/11.0 (via ggpht.com GoogleImageProxy)", 10, False),
        ("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", 1, False),
    ],
)
def test_what_a_machine_is_seen_by(agent: str, seconds: int, machine: bool) -> None:
    assert Machines().did(agent, timedelta(seconds=seconds)) is machine
