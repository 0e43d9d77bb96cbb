"""An app that fills every field of its calls with marked values."""

from __future__ import annotations

from typing import Any

from stepwell.timestamps import to_text
from tests.support.marks import Marks
from tests.support.stage import Stage


class MarkedSender:
    """`marks` are of what is personal, `ids` of the sender's ids of calls, `unkept` of what lies
    nowhere but in the calls as they came.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.marks = Marks()
        self.ids = Marks("Called")
        self.unkept = Marks("Unkept")

    def send(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The answer to a call that happens now, and has been applied."""
        document = {
            "messageId": f"call-{self.ids.text()}",
            "timestamp": to_text(self.stage.engine.clock.now()),
            "context": self.context(),
        } | fields
        answer = self.stage.call(kind, document)
        applied = self.stage.deliver()
        assert applied in ({}, {"batchItemFailures": []})
        self.stage.engine.settle()
        return answer

    def grant(self, user: str, *channels: str) -> None:
        for channel in channels:
            granted = {"purpose": "marketing", "channel": channel, "status": "granted"}
            self.send("track", userId=user, event="Consent Updated", properties=granted)

    def context(self) -> dict[str, Any]:
        text, unkept = self.marks.text, self.unkept.text
        return {
            "ip": unkept(),
            "userAgent": unkept(),
            "location": {
                "latitude": self.unkept.degrees(),
                "longitude": self.unkept.degrees(),
                "speed": self.unkept.degrees(),
                "city": text(),
                "country": text(),
            },
            "os": {"name": "Android", "version": text()},
            "app": {"name": text(), "build": unkept()},
            "network": {"wifi": True, "carrier": unkept()},
            "locale": "en-GB",
            "timezone": "Europe/London",
            "page": {"url": f"https://example.com/?q={text()}", "title": text(), "path": text()},
            "campaign": {"name": text()},
            "device": {
                "type": "android",
                "token": text(),
                "name": unkept(),
                "id": unkept(),
                "advertisingId": unkept(),
                "model": text(),
            },
            text(): {text(): text()},
        }

    def traits(self) -> dict[str, Any]:
        text = self.marks.text
        return {
            "email": self.marks.email(),
            "phone": self.marks.phone(),
            "first_name": text(),
            "birthday": self.marks.date(),
            "score": self.marks.number(),
            "address": {"street": text(), text(): [text(), self.marks.whole()]},
            "timezone": "Europe/London",
        }

    def cart(self) -> dict[str, Any]:
        text = self.marks.text
        return {
            "cart_id": text(),
            "product_id": text(),
            "name": text(),
            "price": self.marks.number(),
            "cart_value": self.marks.number(),
            "note": {text(): [text()]},
        }
