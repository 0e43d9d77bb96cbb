"""Results as JUnit XML, which CI systems show: journeys are suites, scenarios are cases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from stepwell.simulation.scenarios.suite import Result

_REFUSED = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold."""


def junit_text(results: Sequence[Result]) -> str:
    """The whole document."""
    suites = [
        _suite(journey, list(group))
        for journey, group in groupby(results, key=lambda each: each.scenario.journey)
    ]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<testsuites{_counts(results)}>",
            *suites,
            "</testsuites>\n",
        ]
    )


def _suite(journey: str, results: Sequence[Result]) -> str:
    cases = "\n".join(map(_case, results))
    return f"<testsuite name={_attribute(journey)}{_counts(results)}>\n{cases}\n</testsuite>"


def _counts(results: Sequence[Result]) -> str:
    failed = sum(not each.passed for each in results)
    took = sum(each.seconds for each in results)
    return f' tests="{len(results)}" failures="{failed}" errors="0" time="{took:.3f}"'


def _case(result: Result) -> str:
    scenario = result.scenario
    head = (
        f"<testcase classname={_attribute(scenario.journey)} name={_attribute(scenario.name)}"
        f' file={_attribute(scenario.place.file)} line="{scenario.place.line}"'
        f' time="{result.seconds:.3f}"'
    )
    if result.passed:
        return f"{head}/>"
    lines = [f"{sign} {text}" for sign, text, _ in result.lines()]
    story = [f"{result.moment(each)}  {each.kind}  {each.text}" for each in result.timeline]
    text = "\n".join([*lines, "", *story])
    count = len(result.differences)
    said = f"{count} difference{'' if count == 1 else 's'}: {lines[0]}"
    failure = f"<failure message={_attribute(said)}>{escape(_clean(text))}</failure>"
    return f"{head}>{failure}</testcase>"


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _REFUSED.sub("\N{REPLACEMENT CHARACTER}", text)
