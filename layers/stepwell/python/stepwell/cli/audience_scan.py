"""Reads a whole audience, part by part at once, from wherever the admin function answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from stepwell.cli.admin_api import AUDIENCE, Admin

Row = dict[str, Any]


@dataclass(slots=True)
class Taken:
    """What was seen so far: profiles, members, under which rules, and from when to when."""

    looked_at: int = 0
    members: int = 0
    rules: str = ""
    times: list[str] = field(default_factory=list)

    def add(self, page: Mapping[str, Any]) -> None:
        self.looked_at += page["looked_at"]
        self.members += page["count"] if "count" in page else len(page["customers"])
        self.rules = page["rules"]
        self.times = sorted([*self.times[:1], *self.times[-1:], page["at"]])

    def document(self) -> Row:
        return {
            "count": self.members,
            "looked_at": self.looked_at,
            "rules": self.rules,
            "from": self.times[0],
            "to": self.times[-1],
        }


def take(
    admin: Admin, audience: str, *, parts: int, query: Mapping[str, str], taken: Taken, show: bool
) -> Iterator[list[Row]]:
    """The members, a page at a time; counts alone where the query asks for these. Raises ApiError.

    `parts` of the table are read at once, each page by page.
    """
    progress = Progress("profiles", show=show)

    def page(part: int, after: str) -> tuple[int, Row]:
        places = {"part": str(part), "parts": str(parts), "after": after}
        return part, admin.ask(AUDIENCE, audience, query={**query, **places})

    with ThreadPoolExecutor(max_workers=parts) as pool:
        going: set[Future[tuple[int, Row]]] = {pool.submit(page, part, "") for part in range(parts)}
        try:
            while going:
                done, going = wait(going, return_when=FIRST_COMPLETED)
                for each in done:
                    part, found = each.result()
                    taken.add(found)
                    if found["after"]:
                        going.add(pool.submit(page, part, found["after"]))
                    progress.tell(taken.looked_at)
                    yield found.get("customers", [])
        finally:
            for each in going:
                each.cancel()
            progress.end()


@dataclass(slots=True)
class Progress:
    """A line on the terminal that says how far it is, and how fast it goes."""

    what: str
    show: bool
    clock: Callable[[], float] = time.monotonic
    _began: float = 0.0
    _told: float = 0.0

    def __post_init__(self) -> None:
        self.show = self.show and sys.stderr.isatty()
        self._began = self._told = self.clock()

    def tell(self, done: int, of: int = 0) -> None:
        now = self.clock()
        if not self.show or now - self._told < 0.2:
            return
        self._told = now
        rate = done / max(now - self._began, 0.001)
        whole = f" of {of:,}" if of else ""
        print(
            f"\r{done:,}{whole} {self.what}, {rate:,.0f} a second   ",
            end="",
            file=sys.stderr,
            flush=True,
        )

    def end(self) -> None:
        if self.show:
            print(f"\r{' ' * 70}\r", end="", file=sys.stderr)
