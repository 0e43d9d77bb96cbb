"""Signatures of webhooks against the specification's own example."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from stepwell.handover.webhooks import as_text, key_of, signed

KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = b'{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)


def test_a_signature_is_that_of_the_specifications_libraries() -> None:
    assert signed([KEY], "msg_p5jXN8AQM9LWM0D4loKWxJek", AT, BODY) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_key_is_changed_both_sign() -> None:
    found = signed([b"new", KEY], "msg_p5jXN8AQM9LWM0D4loKWxJek", AT, BODY)["webhook-signature"]
    assert found.endswith(" v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    assert found.count("v1,") == 2


def test_each_destination_has_a_key_of_its_own() -> None:
    keys = {key_of("secret", "helpdesk"), key_of("secret", "agents"), key_of("other", "helpdesk")}
    assert len(keys) == 3
    assert as_text(KEY) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
