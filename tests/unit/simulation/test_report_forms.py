"""The report as data, in the terminal, and as a page."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from stepwell.simulation.report import words
from stepwell.simulation.report.compare import Difference, NotComparableError, compare
from stepwell.simulation.report.counts import Histogram
from stepwell.simulation.report.files import json_text
from stepwell.simulation.report.html import page_of
from stepwell.simulation.report.journey_section import journey_section
from stepwell.simulation.report.notices import Notice
from stepwell.simulation.report.report import Report, Spread
from stepwell.simulation.report.side_by_side import print_comparison
from stepwell.simulation.report.tally import harvest
from stepwell.simulation.report.terminal import print_report
from tests.support.reports import definitions, known_report, report_of, told
from tests.support.simulations import with_policies

EVIL = '</title><script>alert("x")</script>&[red]{{$title}}'
VOID = {"meta", "link", "br", "img", "input", "hr"}


def text_of(report: Report) -> str:
    file = io.StringIO()
    print_report(report, file)
    return file.getvalue()


def with_evil() -> Report:
    """A report in which everything that comes from outside is hostile."""
    report = known_report()
    journey = report.journeys[0]
    steps = (replace(journey.steps[0], name=EVIL, detail=EVIL), *journey.steps[1:])
    ways = tuple(
        replace(
            way,
            source=EVIL if way.source == journey.steps[0].name else way.source,
            target=EVIL if way.target == journey.steps[0].name else way.target,
            label=EVIL,
        )
        for way in journey.ways
    )
    evil = replace(journey, steps=steps, ways=ways, version=EVIL)
    broken = {"rule": EVIL, "said": EVIL}
    return replace(
        report,
        settings=replace(report.settings, source=EVIL),
        journeys=(evil, *report.journeys[1:]),
        caps=tuple(replace(cap, name=EVIL) for cap in report.caps),
        broken=(broken,),
        broken_groups=({"count": 1, "first": broken},),
        broken_count=1,
        notices=(Notice("warnings", EVIL, EVIL, EVIL, 1, EVIL),),
        problems=(EVIL,),
        problem_count=1,
    )


# ---------------------------------------------------------------- data


def test_json_is_the_same_text_every_time_and_names_its_counts() -> None:
    text = json_text(known_report().as_json())
    assert text == json_text(report_of(harvest(told())).as_json())
    document = json.loads(text)
    assert document["format"] == 1
    (carts, trials) = document["journeys"]
    assert carts["journey"] == "cart_abandonment"
    sent = {"step": "First nudge", "channel": "email", "outcome": "sent", "count": 1}
    assert sent in trials["messages"]
    assert document["per_customer"]["histogram"] == [[0, 3], [2, 3]]
    assert document["cost"]["totals"][2]["dollars"] > 0
    week = next(cap for cap in document["caps"] if cap["name"] == "marketing_5_per_week")
    assert week["reached"] == [4, 0, 2, 0, 0, 0]


def test_shares_are_of_all_who_left_the_step() -> None:
    trials = known_report().journeys[1]
    ways = {(way.source, way.target): way for way in trials.ways}
    hold = "Wait for the first action"
    assert ways[hold, "First nudge"].share == pytest.approx(2 / 3)
    assert ways[hold, ""].seconds == Spread(0, None, None, None)
    (leaving,) = trials.leavings
    assert (leaving.step, leaving.outcome) == (hold, "converted")
    assert leaving.share == pytest.approx(1 / 3)


def test_a_restart_does_not_count_as_leaving_nor_as_coming() -> None:
    carts = known_report().journeys[0]
    silence = carts.steps[0]
    assert silence.entered == 4
    onward = next(way for way in carts.ways if way.target == "Stylist suggestion")
    assert onward.share == 1.0


def test_a_step_that_nobody_reached_in_many_runs_must_never_happen() -> None:
    tally = harvest(told())
    trials = tally.journeys["onboarding"]
    hold = "Wait for the first action"
    trials.endings["converted", "First Action"] += 1000
    del trials.ways["Wait again for the first action", "Second nudge"]
    report = report_of(tally)
    assert report.broken_count == 1
    assert report.broken[0]["step"] == "Second nudge"
    assert report.journeys[1].steps[0].name == hold


def test_a_step_that_those_who_still_run_may_reach_is_no_such_thing() -> None:
    tally = harvest(told())
    trials = tally.journeys["onboarding"]
    trials.endings["converted", "First Action"] += 1000
    del trials.ways["Wait again for the first action", "Second nudge"]
    trials.leavings["Wait for the first action", "running"] = Histogram(Counter({60: 1}))
    assert report_of(tally).broken_count == 0


# ---------------------------------------------------------------- terminal


def test_terminal_report_fits_and_is_plain() -> None:
    text = text_of(known_report())
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text
    assert "✓ Nothing happened that must never happen." in text
    assert re.search(r"First nudge +email +1", text)
    assert re.search(r"marketing_2_per_day +0: 4  1: 0  2: 2 +1 +1", text)


def test_a_narrow_terminal_loses_no_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    file = io.StringIO()
    monkeypatch.setattr(file, "isatty", lambda: True)
    print_report(known_report(), file)
    plain = re.sub(r"\x1b\[[\d;]*m", "", file.getvalue())
    assert max(map(len, plain.splitlines())) <= 80
    assert re.search(r"First nudge +email +1", plain)
    assert re.search(r"marketing_2_per_day +0: 4  1: 0  2: 2 +1 +1", plain)


def test_terminal_takes_brackets_as_they_are() -> None:
    text = text_of(with_evil())
    assert "[red]" in text
    assert "1 thing happened that must never happen" in text


def test_a_simulation_of_nobody_can_be_shown() -> None:
    tally = harvest(told())
    tally.journeys.clear()
    tally.sent_by_customer.counts.clear()
    report = replace(report_of(tally), cost=None)
    assert "0 entries" in text_of(report)
    assert "nobody" in page_of(report)


# ---------------------------------------------------------------- page


class Page(HTMLParser):
    """Whether every element is closed, and what is asked from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == [], "elements are left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        assert len(given) == len(attrs), f"an attribute of <{tag}> is given twice"
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "xlink:href")
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("kind", ["report", "evil", "comparison"])
def test_page_is_well_formed_and_needs_nothing_from_elsewhere(kind: str) -> None:
    report = with_evil() if kind == "evil" else known_report()
    text = page_of(compare(report, known_report()) if kind == "comparison" else report)
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & set(page.tags)
    assert all(link.startswith("#") for link in page.links)
    assert not re.search(r"https?:|@import|url\((?!#)", text)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert page.tags.count("table") == page.tags.count("caption")
    assert page.tags.count("svg") > 2


def test_everything_from_outside_is_escaped() -> None:
    page = Page(page_of(with_evil()))
    assert EVIL in page.text
    assert "<script" not in page_of(with_evil())


def test_page_draws_every_step_and_says_its_flow() -> None:
    text = Page(page_of(known_report())).text
    for journey in known_report().journeys:
        for step in journey.steps:
            assert step.name in text
    assert "2 (67%)" in text
    assert "3d / 3d" in text


def test_page_shows_what_must_never_happen_first() -> None:
    page = page_of(with_evil())
    assert page.index('class="verdict bad"') < page.index("<section")
    assert 'class="verdict good"' in page_of(known_report())


# ---------------------------------------------------------------- comparison


def test_equal_reports_do_not_differ() -> None:
    comparison = compare(known_report(), report_of(harvest(told())))
    assert comparison.differences == ()
    assert comparison.compared > 50
    file = io.StringIO()
    print_comparison(comparison, file)
    assert "No difference" in file.getvalue()


def test_other_caps_differ_in_what_they_let_through() -> None:
    using = replace(definitions(), policies=with_policies(caps=[]).policies)
    second = report_of(harvest(told(using=using)), using)
    comparison = compare(known_report(), second)
    found = {(each.section, each.name): each for each in comparison.differences}
    sent = found["all", "messages sent"]
    assert (sent.first, sent.second, sent.change) == (6, 8, 2)
    assert sent.relative == pytest.approx(1 / 3)
    capped = found["cart_abandonment", "Stylist suggestion: suppressed, capped"]
    assert (capped.first, capped.second, capped.change) == (1, 0, -1)
    assert ("onboarding", "entries") not in found
    document = json.loads(json_text(comparison.as_json()))
    assert {"section", "name", "unit", "first", "second", "change", "relative"} == set(
        document["differences"][0]
    )
    file = io.StringIO()
    print_comparison(comparison, file)
    assert re.search(r"messages sent +6 +8 +\+2 +\+33\.3%", file.getvalue())
    assert "messages sent" in Page(page_of(comparison)).text


def test_quiet_hours_of_the_same_messages_are_compared_one_by_one() -> None:
    (night, *others) = known_report().quiet_hours
    first, second = (
        replace(known_report(), quiet_hours=(replace(night, deferred=n), night, *others))
        for n in (7, 8)
    )
    (found,) = compare(first, second).differences
    assert (found.section, found.first, found.second) == ("quiet hours", 7, 8)


def test_only_the_same_customers_and_seed_can_be_compared() -> None:
    other = replace(known_report(), settings=replace(known_report().settings, seed=2))
    with pytest.raises(NotComparableError, match="seed"):
        compare(known_report(), other)


# ---------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0"),
        (59, "59s"),
        (2700, "45m"),
        (3661, "1h 1m"),
        (86_400, "1d"),
        (90_000, "1d 1h"),
        (86_460, "1d"),
        (None, "-"),
    ],
)
def test_durations_in_words(seconds: int | None, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0%"), (1, "100%"), (0.0001, "< 0.1%"), (0.999, "> 99%"), (0.034, "3.4%"), (0.5, "50%")],
)
def test_shares_in_words_never_round_to_all_or_nothing(share: float, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("dollars", "said"),
    [(None, "-"), (0, "$0.00"), (0.001, "< $0.01"), (12.345, "$12.35"), (1234.5, "$1,234")],
)
def test_money_in_words(dollars: float | None, said: str) -> None:
    assert words.money(dollars) == said


@pytest.mark.parametrize(
    ("unit", "first", "second", "said", "relative"),
    [
        ("dollars", 12.0, 11.999, "about the same", "> -0.1%"),
        ("dollars", 12.0, 12.001, "about the same", "< +0.1%"),
        ("dollars", 12.0, 11.9, "-$0.10", "-0.8%"),
        ("dollars", 0.002, 0.001, "about the same", "-50.0%"),
        ("", 1.5, 1.4999, "about the same", "> -0.1%"),
        ("", 10, 7, "-3", "-30.0%"),
        ("share", 0.5, 0.4999, "about the same", "> -0.1%"),
        ("share", 0.5, 0.475, "-2.5 points", "-5.0%"),
        ("seconds", 60, 0, "-1m", "-100.0%"),
        ("seconds", None, 5, "-", ""),
    ],
)
def test_changes_in_words_keep_their_sign(
    unit: str, first: float | None, second: float, said: str, relative: str
) -> None:
    difference = Difference("all", "it", unit, first, second)
    assert words.change(difference) == said
    assert words.relative(difference) == relative


@pytest.mark.parametrize(("days", "said"), [(1, "(1 day)"), (30, "(30 days)"), (0.5, "(0.5 days)")])
def test_a_period_in_words(days: float, said: str) -> None:
    assert said in words.period(replace(known_report().settings, days=days))


def test_one_entry_and_more() -> None:
    counted = [words.several(count, "entry") for count in (0, 1, 1000)]
    assert counted == ["0 entries", "1 entry", "1,000 entries"]


def test_no_rate_of_conversions_is_shown_of_a_journey_without_a_goal_or_entries() -> None:
    tile = "<dt>converted</dt>"
    journey = known_report().journeys[1]
    assert tile in journey_section(journey)
    assert tile not in journey_section(replace(journey, conversions=None))
    assert tile not in journey_section(replace(journey, entries=0))
