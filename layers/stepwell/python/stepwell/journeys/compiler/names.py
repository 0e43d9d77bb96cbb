"""The names of states, which are what an operator reads in the console, and of steps' ids."""

from __future__ import annotations

import re
import unicodedata

LONGEST_STATE_NAME = 80

COMPLETED = "Journey completed"
LEFT = "Left"
MARK_FAILED = "Mark as failed"
FAILED = "Failed"
END_LOOK = "How it ended: what was stored"
END_CHOICE = "How it ended"
GO_ON = "Where to go on"
RESERVED_STATES = frozenset({COMPLETED, LEFT, MARK_FAILED, FAILED, END_LOOK, END_CHOICE, GO_ON})

HOLD_CLOSE = ": time is up"
HOLD_CHOICE = ": what happened"
HOLD_LOOK = ": what was stored"
HOLD_STORED = ": stored outcome"
HOLD_AGAIN = ": started again"
DELAY_PLAN = ": find the time"
DELAY_CHOICE = ": was it found"
DELAY_NONE = ": no date"
DELAY_ALARM = ": set the alarm"
DELAY_PARKED = ": parked"
SPLIT_PLAN = ": look at customer"
MESSAGE_CHOICE = ": what happened"
MESSAGE_DEFERRED = ": deferred"
MESSAGE_UNTIL = ": until it may go"
MESSAGE_AGAIN = ": no answer"
MESSAGE_PAUSE = ": ask again soon"
MESSAGE_GIVE_UP = ": record no answer"
HAND_OVER_GIVE_UP = ": not handed over"
SUFFIXES = frozenset(
    {HOLD_CLOSE, HOLD_CHOICE, HOLD_LOOK, HOLD_STORED, HOLD_AGAIN, DELAY_PLAN, DELAY_CHOICE,
     DELAY_NONE, DELAY_ALARM, DELAY_PARKED, SPLIT_PLAN, MESSAGE_DEFERRED, MESSAGE_UNTIL,
     MESSAGE_AGAIN, MESSAGE_PAUSE, MESSAGE_GIVE_UP, HAND_OVER_GIVE_UP}
)  # fmt: skip
LONGEST_STEP_NAME = LONGEST_STATE_NAME - max(map(len, SUFFIXES))
LONGEST_STEP_ID = 40
"""Ids become attribute names, message ids and sort keys."""
LONGEST_JOURNEY_NAME = 48
"""A state machine is called `stepwell-<stage>-<journey>`, in 80 characters."""

ID_PATTERN = re.compile(r"[a-z][a-z0-9_]*")

RESERVED_JOURNEYS = frozenset({"send_message", "fallback"})
RESERVED_STEP_IDS = frozenset({"entry", "conversion", "end"})
"""`<step>_event` must not be `entry_event` or `conversion_event`, which the enrollment has."""
RESERVED_BRANCH_IDS = frozenset({"timeout", "exit", "restart", "none", "otherwise"})


def slug(name: str) -> str:
    """The id of a name: `Wait 45 minutes` is wait_45_minutes; empty when nothing of it is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST_STEP_ID].rstrip("_")
    return f"step_{words}"[:LONGEST_STEP_ID].rstrip("_") if words[:1].isdigit() else words
