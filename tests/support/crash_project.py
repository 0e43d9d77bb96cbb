"""A project of small journeys in which few events lead through everything that may break."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.journey_projects import HELLO, write_project

ROOT = Path(__file__).parents[2]

POLICIES = {
    "purposes": {
        "marketing": {"consent": "assumed", "capped": True, "after_unknown_outcome": "drop"},
        "transactional": {"consent": "assumed", "capped": False, "after_unknown_outcome": "resend"},
    },
    "caps": [{"name": "one_a_day", "purposes": ["marketing"], "at_most": 1, "per": "24h"}],
}

PATH = """\
journey: path
purpose: marketing
entry: {event: Began, reentry: always}
exit: [{event: Left}]
goal: {event: Acted, within: 1d}
steps:
  - hold:
      name: Wait
      for: 10m
      until:
        - {event: Touched, then: restart}
        - {event: Acted, then: continue}
  - delay: {name: Later, for: 1h}
"""

WAIT = """\
journey: {journey}
purpose: marketing
entry: {{event: Opened}}
steps:
  - delay: {{name: Long, for: 2h}}
"""

OFFER = """\
journey: offer
purpose: marketing
entry: {event: Offered}
exit: [{event: Left}]
steps:
  - message: {name: Offer, channels: [sms], template: hello}
  - delay: {name: Later, for: 2h}
"""

MORNING = """\
journey: morning
purpose: marketing
entry: {event: Slept}
steps:
  - delay: {name: Until morning, until: "09:00 local"}
"""

MESSAGE = """\
journey: {journey}
purpose: {purpose}
entry: {{event: {event}, reentry: always}}
steps:
  - message:
      name: Tell
      channels: [{channel}]
      template: hello
"""


def _message(journey: str, purpose: str, event: str, channel: str) -> str:
    return MESSAGE.format(journey=journey, purpose=purpose, event=event, channel=channel)


JOURNEYS = {
    "path": PATH,
    "one": WAIT.format(journey="one"),
    "other": WAIT.format(journey="other"),
    "morning": MORNING,
    "offer": OFFER,
    "news": _message("news", "marketing", "Published", "sms"),
    "alert": _message("alert", "marketing", "Alerted", "push"),
    "receipt": _message("receipt", "transactional", "Paid", "sms"),
}

EVENTS = (
    *("Began", "Opened", "Touched", "Acted", "Left", "Slept"),
    *("Published", "Alerted", "Paid", "Offered", "Seen"),
)


def crash_project(*names: str) -> AbstractContextManager[Path]:
    """Some of `JOURNEYS` on disk, or all."""
    return small_project({name: JOURNEYS[name] for name in names or JOURNEYS})


@contextmanager
def small_project(journeys: Mapping[str, str], content: str = HELLO) -> Iterator[Path]:
    """These journeys on disk, with the definition of send_message that ships. All have one
    template, `hello`.
    """
    with TemporaryDirectory() as folder:
        root = write_project(Path(folder), journeys, {"hello": content})
        statemachines = root / "statemachines"
        for name, text in journeys.items():
            if "template: hello" not in text:
                (statemachines / "journeys" / name / "templates" / "hello.yaml").unlink()
        shutil.copy(ROOT / "statemachines" / "send_message.asl.json", statemachines)
        (statemachines / "policies.yaml").write_text(json.dumps(POLICIES))
        for name in EVENTS:
            schema = {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": name,
                "type": "object",
                "properties": {each: {"type": "string"} for each in ("word", "id")},
            }
            (root / "events" / "schemas" / f"{name.lower()}.json").write_text(json.dumps(schema))
        yield root
