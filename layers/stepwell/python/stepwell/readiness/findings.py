"""A finding: what was looked at, how it stands, what that means and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, and somebody should know something."""
    PROBLEM = "problem"
    """Messages or events would be lost, refused or late."""
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`mend` is a command or a place in the console; empty where there is nothing to do."""

    check: str
    level: Level
    means: str
    mend: str = ""


def ok(check: str, means: str) -> Finding:
    return Finding(check, Level.OK, means)


def warning(check: str, means: str, mend: str) -> Finding:
    return Finding(check, Level.WARNING, means, mend)


def problem(check: str, means: str, mend: str) -> Finding:
    return Finding(check, Level.PROBLEM, means, mend)


def unknown(check: str, means: str, mend: str = "") -> Finding:
    return Finding(check, Level.UNKNOWN, means, mend)


def is_ready(findings: Iterable[Finding]) -> bool:
    """Nothing is wrong, and nothing could not be looked at."""
    return all(each.level in {Level.OK, Level.WARNING} for each in findings)
