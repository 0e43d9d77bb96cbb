"""Lanes: what a channel sends a second, against what AWS takes."""

from __future__ import annotations

from stepwell.readiness.findings import Finding, ok, warning

EMAIL = "email pace"
SMS = "SMS pace"


def check_pace(check: str, lane: float | None, allowed: float | None) -> Finding:
    """`lane` is None without one, `allowed` where AWS does not tell."""
    if allowed is None:
        paced = "nothing paces it" if lane is None else f"{lane:g} a second are sent at most"
        return ok(check, f"{paced}; AWS does not tell here what it takes")
    mend = f"set lanes in infra/settings.py to {allowed:g} a second, or ask AWS for more"
    if lane is None:
        means = f"nothing paces it: what AWS takes no more of, {allowed:g} a second, is sent later"
        return warning(check, means, mend)
    if lane > allowed:
        means = f"{lane:g} a second are sent and AWS takes {allowed:g}: the rest is sent later"
        return warning(check, means, mend)
    return ok(check, f"{lane:g} a second are sent at most, and AWS takes {allowed:g}")
