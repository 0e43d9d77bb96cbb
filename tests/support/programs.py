"""Program documents for tests of the router, with trees written by hand."""

from __future__ import annotations

from typing import Any

from stepwell.journeys.program import Program, canonical, load_program


def path(*names: str) -> list[Any]:
    """The tree of `a.b.c`."""
    tree: list[Any] = ["name", names[0]]
    for name in names[1:]:
        tree = ["select", tree, name]
    return tree


def same(*names: str) -> list[Any]:
    """The event and the event of entry agree in this property."""
    return [
        "==",
        path("event", "properties", *names),
        path("enrollment", "event", "properties", *names),
    ]


def entry(
    event: str, *, key: Any = None, where: Any = None, reentry: str = "never", seconds: int = 0
) -> dict[str, Any]:
    return {
        "event": event,
        "where": where,
        "key": key,
        "reentry": reentry,
        "reentry_seconds": seconds,
    }


def branch(
    name: str, event: str, *, where: Any = None, restarts: bool = False, opens: str | None = None
) -> dict[str, Any]:
    return {"id": name, "event": event, "where": where, "restarts": restarts, "opens": opens}


def hold(
    name: str, *branches: dict[str, Any], seconds: int = 2700, max_restarts: int = 3
) -> dict[str, Any]:
    return {
        "kind": "hold",
        "id": name,
        "name": name,
        "seconds": seconds,
        "branches": list(branches),
        "max_restarts": max_restarts,
    }


def program(name: str = "cart", **changes: Any) -> Program:
    """A journey that enters on `Started` and holds for `Acted`, restarted by `Touched`."""
    document = {
        "journey": name,
        "draining": False,
        "entry": entry("Started"),
        "exits": [{"event": "Ordered", "where": None}],
        "goal": None,
        "first": "wait",
        "steps": [
            hold("wait", branch("acted", "Acted"), branch("restart", "Touched", restarts=True)),
        ],
    }
    return load_program(canonical(document | changes))
