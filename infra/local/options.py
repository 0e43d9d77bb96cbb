"""What the environment may say to `make run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPLAYS = Path("events") / "replays"
DEFAULT_REPLAY = "first_two_days"
SLOWEST, FASTEST = 0.001, 1_000_000


class OptionError(ValueError):
    """A value cannot be used; the message names it and says what is expected."""


@dataclass(frozen=True, slots=True)
class Options:
    """`replay` and `policies` are files, or None; `speed` is virtual seconds a second."""

    port: int
    speed: float
    replay: Path | None
    keep: bool
    policies: Path | None


def read_options(environment: Mapping[str, str], root: Path) -> Options:
    """Read PORT, SPEED, REPLAY, KEEP and POLICIES. Raises OptionError."""
    return Options(
        port=_port(environment.get("PORT") or "8080"),
        speed=_speed(environment.get("SPEED") or "60"),
        replay=_replay(environment.get("REPLAY") or DEFAULT_REPLAY, root),
        keep=_keep(environment.get("KEEP") or "1"),
        policies=_policies(environment.get("POLICIES") or "", root),
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise OptionError(f"PORT={text}: a number from 1 to 65535 is expected")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not SLOWEST <= speed <= FASTEST:
        raise OptionError(
            f"SPEED={text}: local seconds per second are expected, such as 60; "
            f"at least {SLOWEST:g} and at most {FASTEST:,}"
        )
    return speed


def _replay(text: str, root: Path) -> Path | None:
    if text == "none":
        return None
    named = root / REPLAYS / text / "events.jsonl"
    for candidate in (named, Path(text) / "events.jsonl", Path(text)):
        if candidate.is_file():
            return candidate
    known = sorted(path.parent.name for path in (root / REPLAYS).glob("*/events.jsonl"))
    raise OptionError(
        f"REPLAY={text}: no such file; known replays are {', '.join([*known, 'none'])}"
    )


def _keep(text: str) -> bool:
    if text not in {"0", "1"}:
        raise OptionError(f"KEEP={text}: 1 (stay up) or 0 (end after the replay) is expected")
    return text == "1"


def _policies(text: str, root: Path) -> Path | None:
    if not text:
        return None
    for candidate in (Path(text), root / text):
        if candidate.is_file():
            return candidate
    raise OptionError(f"POLICIES={text}: no such file")
