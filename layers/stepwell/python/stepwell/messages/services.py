"""The two services that send texts and push messages."""

from __future__ import annotations

from enum import StrEnum


class Service(StrEnum):
    END_USER_MESSAGING = "end_user_messaging"
    SNS = "sns"
