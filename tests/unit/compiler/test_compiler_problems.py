"""Each thing that can be wrong with a journey: its code, and the line it points to."""

import json
from pathlib import Path

import pytest

from tests.support.journey_projects import HELLO, found_in, only_subject, write_project

HEAD = """\
journey: greeting
purpose: marketing
entry: {event: Began}
steps:
"""
MESSAGE = "  - message: {name: Hello, channels: [email], template: hello}\n"
SOUND = HEAD + MESSAGE
HOLD = "- hold:\n    name: W\n    for: 1d\n    until:\n"


def codes(root: Path) -> list[tuple[str, int]]:
    return [(problem.code, problem.place.line) for problem in found_in(root)]


def test_sound_journey_has_no_problems(tmp_path: Path) -> None:
    assert codes(write_project(tmp_path, {"greeting": SOUND})) == []


def steps(text: str) -> str:
    """A sound journey whose steps, from line 5 on, are these and then a message."""
    return HEAD + "".join(f"  {line}\n" for line in text.splitlines()) + MESSAGE


def until(*lines: str) -> str:
    """A delay until a date; these lines, from line 8 on, say which."""
    head = "- delay:\n    name: Until then\n    until:\n"
    return steps(head + "".join(f"      {line}\n" for line in lines))


JOURNEYS = {
    "no_yaml": ("journey: [\n", ("SW100", 2)),
    "duplicate_key": (SOUND + "purpose: service\n", ("SW100", 6)),
    "merge_key_of_itself": ("journey: a\nx: &a {<<: *a}\n", ("SW100", 1)),
    "no_mapping": ("- journey: a\n", ("SW103", 1)),
    "branches_are_no_list": (steps("- hold: {name: W, for: 1d, until: 5}"), ("SW103", 5)),
    "empty": ("", ("SW102", 1)),
    "unknown_key": (SOUND + "purpos: x\n", ("SW101", 6)),
    "missing_key": (SOUND.replace("entry: {event: Began}", "entry: {}"), ("SW102", 3)),
    "wrong_type": (SOUND + "exit: Left\n", ("SW103", 6)),
    "wrong_word": (SOUND + "status: paused\n", ("SW103", 6)),
    "wrong_reentry": (SOUND.replace("Began}", "Began, reentry: often}"), ("SW103", 3)),
    "list_as_reentry": (SOUND.replace("Began}", "Began, reentry: [1]}"), ("SW103", 3)),
    "holdout_is_later": (SOUND + "holdout: 5%\n", ("SW104", 6)),
    "affinity_is_later": (
        SOUND.replace("[email]", "{prefer: affinity, order: [email]}"),
        ("SW104", 5),
    ),
    "experiment_is_later": (steps("- experiment: {name: Coin}"), ("SW104", 5)),
    "no_duration": (steps("- delay: {name: Pause, for: 3 days}"), ("SW105", 5)),
    "zero_duration": (steps("- delay: {name: Pause, for: 0m}"), ("SW105", 5)),
    "bare_number_as_duration": (steps("- delay: {name: Pause, for: 45}"), ("SW105", 5)),
    "no_local_time": (steps('- delay: {name: Pause, until: "9:00"}'), ("SW106", 5)),
    "no_weekday": (steps('- delay: {name: P, until: "09:00 local", weekdays: [mo]}'), ("SW106", 5)),
    "unknown_step": (steps("- mesage: {name: Hi}"), ("SW107", 5)),
    "two_steps_in_one": (steps("- delay: {name: A, for: 1d}\n  exit: {}"), ("SW107", 5)),
    "for_and_until": (steps('- delay: {name: A, for: 1d, until: "09:00 local"}'), ("SW108", 5)),
    "weekdays_without_until": (steps("- delay: {name: A, for: 1d, weekdays: [mon]}"), ("SW108", 5)),
    "weekdays_with_a_date": (
        steps("- delay: {name: A, until: {date: now}, weekdays: [mon]}"),
        ("SW108", 5),
    ),
    "hours_with_a_time_of_day": (
        until("date: now", "offset: 36h", 'at: "09:00 local"'),
        ("SW108", 9),
    ),
    "months_without_a_time_of_day": (until("date: now", "offset: 1mo"), ("SW108", 9)),
    "no_offset": (until("date: now", "offset: sixty days"), ("SW105", 9)),
    "offset_of_eleven_years": (until("date: now", "offset: 132mo"), ("SW105", 9)),
    "offset_of_nothing": (until("date: now", "offset: -0d"), ("SW105", 9)),
    "no_time_of_day": (until("date: now", "at: 9"), ("SW106", 9)),
    "date_without_a_mapping": (steps("- delay: {name: P, until: customer.traits.x}"), ("SW106", 5)),
    "no_date": (until("offset: -60d"), ("SW102", 7)),
    "unknown_key_of_a_date": (until("date: now", "before: 60d"), ("SW101", 9)),
    "date_that_is_no_condition": (until("date: customer.traits."), ("SW502", 8)),
    "date_of_the_event": (until("date: event.timestamp"), ("SW520", 8)),
    "date_of_an_unknown_property": (
        until("date: enrollment.event.properties.renewal_date"),
        ("SW521", 8),
    ),
    "date_that_is_a_number": (until("date: enrollment.event.properties.amount"), ("SW522", 8)),
    "date_that_is_yes_or_no": (until("date: now > enrollment.entered_at"), ("SW522", 8)),
    "date_that_does_not_exist": (until("date: 2027-02-30"), ("SW523", 8)),
    "other_folder": (SOUND.replace("journey: greeting", "journey: other"), ("SW201", 1)),
    "no_id": (steps("- delay: {name: '???', for: 1d}"), ("SW202", 5)),
    "bad_id": (steps("- delay: {name: A, id: A-1, for: 1d}"), ("SW202", 5)),
    "line_break_in_name": (steps('- delay: {name: "A\\nb", for: 1d}'), ("SW202", 5)),
    "reserved_id": (steps("- delay: {name: Entry, for: 1d}"), ("SW203", 5)),
    "reserved_state": (steps("- delay: {name: Left, for: 1d}"), ("SW203", 5)),
    "engine_like_name": (steps("- delay: {name: 'A: time is up', for: 1d}"), ("SW203", 5)),
    "reserved_branch": (
        steps(HOLD + "      - {event: Acted, id: timeout}"),
        ("SW203", 9),
    ),
    "same_name": (steps("- delay: {name: Hello, id: other, for: 1d}"), ("SW204", 6)),
    "same_id": (steps("- delay: {name: Hello!, for: 1d}"), ("SW204", 6)),
    "same_branch": (
        steps(HOLD + "      - {event: Acted, where: event.id == 'a'}\n      - event: Acted"),
        ("SW204", 10),
    ),
    "long_name": (steps(f"- delay: {{name: {'x' * 64}, id: x, for: 1d}}"), ("SW205", 5)),
    "hold_without_limit": (steps("- hold: {name: Wait, until: [{event: Acted}]}"), ("SW301", 5)),
    "jump": (steps(HOLD + "      - {event: Acted, then: hello}"), ("SW302", 9)),
    "behind_exit": (HEAD + "  - exit\n" + MESSAGE, ("SW303", 6)),
    "behind_ways_that_all_leave": (
        steps("- hold: {name: W, for: 1d, until: [{event: Acted, then: exit}], timeout: [exit]}"),
        ("SW303", 6),
    ),
    "branch_that_never_wins": (
        steps(HOLD + "      - event: Acted\n      - {event: Acted, id: b}"),
        ("SW303", 10),
    ),
    "delay_over_a_year": (steps("- delay: {name: Long, for: 366d}"), ("SW304", 5)),
    "restarts_over_a_year": (
        steps("- hold: {name: W, for: 30d, until: [{event: Acted, then: restart}]}"),
        ("SW305", 1),
    ),
    "no_purpose": (SOUND.replace("purpose: marketing\n", ""), ("SW401", 4)),
    "unknown_purpose": (SOUND.replace("marketing", "marketting"), ("SW402", 1)),
    "unknown_channel": (SOUND.replace("[email]", "[email, fax]"), ("SW403", 5)),
    "channel_twice": (SOUND.replace("[email]", "[email, email]"), ("SW404", 5)),
    "unknown_event": (SOUND.replace("Began", "Begann"), ("SW501", 3)),
    "unknown_exit_event": (SOUND + "exit:\n  - event: Lef\n", ("SW501", 7)),
    "no_condition": (SOUND.replace("Began}", 'Began, where: "event.id =="}'), ("SW502", 3)),
    "no_condition_in_a_block": (
        SOUND.replace(" {event: Began}", "\n  event: Began\n  where: |\n    event.id ==\n    1 ="),
        ("SW502", 7),
    ),
    "unknown_property": (
        SOUND.replace("Began}", "Began, key: event.properties.nme}"),
        ("SW521", 3),
    ),
    "enrollment_at_entry": (
        SOUND.replace("Began}", "Began, where: enrollment.entered_at < now}"),
        ("SW520", 3),
    ),
    "event_in_a_split": (
        steps("- split: {name: S, branches: [{name: A, when: event.id == 'a'}]}"),
        ("SW520", 5),
    ),
    "text_compared_with_number": (
        SOUND.replace("Began}", "Began, where: event.properties.word > 2.0}"),
        ("SW522", 3),
    ),
    "condition_that_is_no_bool": (
        SOUND.replace("Began}", "Began, where: event.properties.word}"),
        ("SW522", 3),
    ),
    "missing_template": (SOUND.replace("template: hello", "template: hullo"), ("SW601", 5)),
}  # fmt: skip


@pytest.mark.parametrize("case", JOURNEYS)
def test_broken_journey_is_reported_with_code_and_line(case: str, tmp_path: Path) -> None:
    text, expected = JOURNEYS[case]
    assert expected in codes(write_project(tmp_path, {"greeting": text}))


@pytest.mark.parametrize("wrong", ["for: 90", 'until: "9:00 local"'])
def test_wrong_value_is_not_said_to_be_missing_as_well(wrong: str, tmp_path: Path) -> None:
    text = steps(f"- delay: {{name: A, {wrong}}}")
    found = {code for code, _ in codes(write_project(tmp_path, {"greeting": text}))}
    assert "SW108" not in found
    assert found & {"SW105", "SW106"}


TEMPLATES = {
    "not_a_mapping": ("- a\n", "SW603", 1),
    "missing_variant": ("sms: {body: Hi}\n", "SW602", 5),
    "missing_field": ("email: {subject: Hi, text: Hi}\n", "SW603", 1),
    "field_is_no_text": ("email:\n  subject: 5\n  text: Hi\n  html: Hi\n", "SW603", 2),
    "misspelt_field": ("email:\n  subject: S\n  text: T\n  htm: H\n", "SW603", 4),
    "whatsapp_field_missing": (HELLO + "whatsapp: {template: hello}\n", "SW603", 4),
    "whatsapp_parameters_no_list": (
        HELLO + "whatsapp: {template: hello, language: de, parameters: Ada}\n",
        "SW603",
        4,
    ),
    "whatsapp_parameter_unknown": (
        HELLO + 'whatsapp: {template: h, language: de, parameters: ["{{ event.wrd }}"]}\n',
        "SW605",
        4,
    ),
    "unknown_channel": (HELLO + "fax: {body: Hi}\n", "SW403", 4),
    "open_braces": (HELLO.replace("<p>Hello</p>", '"{{ event.id"'), "SW604", 1),
    "unknown_filter": (HELLO.replace("event.properties.word", "event.id | upcas"), "SW604", 1),
    "reads_other_files": (HELLO.replace("<p>Hello</p>", "\"{% render 'x' %}\""), "SW604", 1),
    "not_one_value": (HELLO.replace("event.properties.word", "event"), "SW605", 1),
    "unknown_root": (HELLO.replace("event.properties.word", "user.name"), "SW605", 1),
    "unknown_part": (HELLO.replace("event.properties.word", "customer.name"), "SW605", 1),
    "unknown_event_property": (HELLO.replace("properties.word", "properties.wrd"), "SW605", 1),
    "in_a_block_of_text": (
        "email:\n  subject: S\n  html: H\n  text: |\n    One\n    {{ event.properties.wrd }}\n",
        "SW605",
        6,
    ),
}


@pytest.mark.parametrize("case", TEMPLATES)
def test_broken_template_is_reported_with_code_and_line(case: str, tmp_path: Path) -> None:
    text, code, line = TEMPLATES[case]
    assert (code, line) in codes(write_project(tmp_path, {"greeting": SOUND}, {"hello": text}))


def test_whatsapp_parameters_become_fields_in_their_order(tmp_path: Path) -> None:
    whatsapp = "whatsapp: {template: hello, language: en, parameters: [One, Two]}\n"
    journey = SOUND.replace("[email]", "[whatsapp, email]")
    root = write_project(tmp_path, {"greeting": journey}, {"hello": HELLO + whatsapp})
    subject = only_subject(root)
    assert subject.templates["hello"].variants["whatsapp"] == {
        "template": "hello",
        "language": "en",
        "parameter_1": "One",
        "parameter_2": "Two",
    }


def test_template_of_no_message_is_reported(tmp_path: Path) -> None:
    root = write_project(tmp_path, {"greeting": SOUND}, {"hello": HELLO, "unused": HELLO})
    assert codes(root) == [("SW606", 1)]


def test_variables_that_a_template_makes_itself_are_no_problem(tmp_path: Path) -> None:
    own = "{% assign n = event.name %}{{ n }}"
    loop = own + "{% for part in customer.traits.tags %}{{ part.x }}{% endfor %}"
    root = write_project(
        tmp_path, {"greeting": SOUND}, {"hello": HELLO.replace("<p>Hello</p>", f'"{loop}"')}
    )
    assert codes(root) == []


@pytest.mark.parametrize(
    "date",
    [
        "customer.traits.renewal_date",
        "enrollment.event.properties.word",
        "enrollment.entered_at",
        "now",
        "timestamp(customer.traits.renewal_date) - duration('36h')",
        "has(customer.traits.x) ? customer.traits.x : customer.traits.y",
        "2027-02-28",
        "2027-02-28T18:30:00Z",
    ],
)
def test_what_may_be_a_date(date: str, tmp_path: Path) -> None:
    text = until(f"date: {date!r}" if "?" in date else f"date: {date}", "offset: -1d")
    assert codes(write_project(tmp_path, {"greeting": text})) == []


def test_problem_of_a_date_says_what_to_write(tmp_path: Path) -> None:
    text = until("date: enrollment.event.properties.amount", "offset: 1mo")
    wrong_type, months = found_in(write_project(tmp_path, {"greeting": text}))
    file = "statemachines/journeys/greeting/journey.yaml"
    assert str(wrong_type) == (
        f"{file}:8: SW522 at steps[0].delay.until.date: `enrollment.event.properties.amount` is "
        "double, not a date\n"
        "    Give a timestamp or a text like 2027-01-31, such as customer.traits.renewal_date."
    )
    assert str(months) == (
        f"{file}:9: SW108 at steps[0].delay.until.offset: months differ in length, so they only go "
        "from date to date\n"
        '    Say when on that date (`at: "09:00 local"`), or write the offset in days.'
    )


def test_all_problems_of_all_journeys_come_at_once(tmp_path: Path) -> None:
    bad_step = steps(
        "- hold: {name: W, until: [{event: Actd, then: [{message: {name: In, channels: []}}]}]}"
    )
    root = write_project(
        tmp_path, {"greeting": bad_step, "other": SOUND + "goal: {event: Acted}\n"}
    )
    assert [(each.place.file.split("/")[2], each.code) for each in found_in(root)] == [
        ("greeting", "SW301"),
        ("greeting", "SW501"),
        ("greeting", "SW102"),
        ("other", "SW201"),
        ("other", "SW102"),
    ]


def test_problem_says_file_line_path_and_remedy(tmp_path: Path) -> None:
    (problem,) = found_in(write_project(tmp_path, {"greeting": SOUND + "purpos: x\n"}))
    assert str(problem) == (
        "statemachines/journeys/greeting/journey.yaml:6: SW101 at purpos: unknown key `purpos`\n"
        '    Did you mean "purpose"?'
    )


def test_broken_policies_and_schemas_are_problems_of_their_files(tmp_path: Path) -> None:
    root = write_project(tmp_path, {"greeting": SOUND})
    (root / "statemachines" / "policies.yaml").write_text("purposes: {}\ncaps: 3\n")
    (root / "events" / "schemas" / "left.json").write_text("{")
    found = {(each.code, each.place.file) for each in found_in(root)}
    assert found == {
        ("SW406", "statemachines/policies.yaml"),
        ("SW500", "events/schemas/left.json"),
    }


def test_folder_without_journey_is_reported(tmp_path: Path) -> None:
    root = write_project(tmp_path, {})
    (root / "statemachines" / "journeys" / "empty").mkdir()
    assert codes(root) == [("SW100", 1)]


def test_conditions_hold_for_every_version_of_an_event_or_say_for_which_not(tmp_path: Path) -> None:
    where = "entry: {event: Began, where: event.properties.amount >= 1.0}\nexit: [{event: Began}]"
    text = SOUND.replace("entry: {event: Began}", where)
    root = write_project(tmp_path, {"greeting": text})
    schemas = root / "events" / "schemas"
    second = json.loads((schemas / "began.json").read_text())
    second["properties"]["amount"] = {"type": "string"}
    (schemas / "began.2.json").write_text(json.dumps(second))
    [problem] = found_in(root)
    assert (problem.code, problem.place.line) == ("SW522", 3)
    assert 'in version 2 of "Began"' in problem.message
    del second["properties"]["amount"], second["properties"]["word"]
    (schemas / "began.2.json").write_text(json.dumps(second))
    condition, template = found_in(root)
    assert (condition.code, template.code) == ("SW521", "SW605")
    assert 'has no amount in version 2 of "Began"' in condition.message
    assert 'version 2 of "Began" has no property' in template.message
    (schemas / "began.json").unlink()
    assert 'has no amount in the schema of "Began"' in found_in(root)[0].message
