"""Journey in, state machine out: the shipped journeys, and the protocol of holds to the letter."""

import json
from pathlib import Path
from typing import Any

import pytest

from stepwell.journeys.compiler import compilation
from stepwell.journeys.compiler.bundle import write_bundle
from stepwell.journeys.compiler.compilation import Compiled, compile_journey, compile_project
from stepwell.journeys.compiler.problems import CompileError
from stepwell.journeys.compiler.structure import faults
from stepwell.journeys.compiler.transitions import NoWayError, transitions
from stepwell.journeys.program import Hold, Message, canonical, initial_state, load_program
from tests.support.journey_projects import only_subject, write_project

ROOT = Path(__file__).parents[3]
SHIPPED = ("cart_abandonment", "onboarding", "post_purchase", "win_back")

HOLDS = """\
journey: greeting
purpose: service
entry: {event: Began, key: event.properties.id, reentry: {after: 7d}}
steps:
  - hold:
      name: First
      for: 1h
      until:
        - {event: Began, then: restart}
        - {event: Acted, then: [{hold: {name: Inner, for: 2h, until: [{event: Left}]}}]}
  - hold: {name: Second, for: 3h, until: [{event: Acted, then: exit}]}
  - message: {name: Hello, channels: [sms, email], template: hello}
  - hold: {name: Third, for: 4h, until: [{event: Acted}]}
"""


@pytest.fixture(scope="module")
def shipped() -> dict[str, Compiled]:
    return {each.journey: each for each in compile_project(ROOT)}


@pytest.fixture
def holds(tmp_path: Path) -> Compiled:
    return compile_journey(only_subject(write_project(tmp_path, {"greeting": HOLDS})))


def states(compiled: Compiled) -> dict[str, Any]:
    found: dict[str, Any] = compiled.machine["States"]
    return found


def test_three_journeys_are_shipped(shipped: dict[str, Compiled]) -> None:
    assert {*shipped} >= {*SHIPPED}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_machine_is_what_its_journey_compiles_to(
    name: str, shipped: dict[str, Compiled]
) -> None:
    committed = ROOT / "statemachines" / "journeys" / name / "journey.asl.json"
    assert committed.read_text() == shipped[name].machine_text()
    assert faults(shipped[name].machine) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_machine_has_wait_and_choice_states(
    name: str, shipped: dict[str, Compiled]
) -> None:
    assert {"Wait", "Choice"} <= {state["Type"] for state in states(shipped[name]).values()}


@pytest.mark.parametrize("name", SHIPPED)
def test_program_is_loaded_under_the_version_in_the_machine(
    name: str, shipped: dict[str, Compiled]
) -> None:
    compiled = shipped[name]
    program = load_program(canonical(compiled.program))
    assert program.version == compiled.version
    assert compiled.version in compiled.machine["Comment"]
    text = json.dumps(compiled.machine)
    assert text.count(compiled.version) > len(program.messages())


def test_cart_abandonment_reads_like_its_story(shipped: dict[str, Compiled]) -> None:
    program = load_program(canonical(shipped["cart_abandonment"].program))
    hold, suggestion, delay, outfit = program.steps.values()
    assert isinstance(hold, Hold)
    assert isinstance(suggestion, Message)
    assert isinstance(outfit, Message)
    assert program.first == hold.id
    assert (hold.seconds, hold.branches[0].event, hold.branches[0].restarts) == (
        2700,
        "Product Added",
        True,
    )
    assert suggestion.channels == ("sms", "push", "email")
    assert suggestion.worthless_after_seconds == 12 * 3600
    assert (delay.name, outfit.channels) == ("Until next morning", ("push", "email"))
    assert [each.event for each in program.exits] == ["Order Completed"]
    assert program.goal is not None
    assert program.goal.within_seconds == 3 * 86_400


def test_what_comes_before_a_hold_opens_its_slot(holds: Compiled) -> None:
    program = load_program(canonical(holds.program))
    first, hello = program.steps["first"], program.steps["hello"]
    assert isinstance(first, Hold)
    assert isinstance(hello, Message)
    assert program.first == "first"
    assert {branch.id: branch.opens for branch in first.branches} == {
        "began": None,
        "acted": "inner",
    }
    assert hello.opens == "third"


def test_arming_opens_the_slot_only_when_nothing_else_has(holds: Compiled) -> None:
    arm = states(holds)["First"]
    assert arm["Resource"] == "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken"
    assert arm["TimeoutSeconds"] == 3600
    assert arm["ResultPath"] == "$.holds.first"
    parameters = arm["Parameters"]
    assert parameters["UpdateExpression"] == (
        "SET #token = :token, #token_for = :token_for, #visit = if_not_exists(#visit, :visit), "
        "#seq = if_not_exists(#seq, :run), #opened = if_not_exists(#opened, :now)"
    )
    assert parameters["ConditionExpression"] == (
        "#status = :active AND #run = :run AND "
        "(attribute_not_exists(#visit) OR #visit = :visit) AND attribute_not_exists(#outcome)"
    )
    assert parameters["ExpressionAttributeNames"]["#outcome"] == "first_outcome"
    assert [(catch["ErrorEquals"], catch["Next"]) for catch in arm["Catch"]] == [
        (["States.Timeout"], "First: time is up"),
        (["DynamoDb.ConditionalCheckFailedException"], "First: what was stored"),
        (["States.ALL"], "Mark as failed"),
    ]
    assert {"States.Timeout", "States.ALL"}.isdisjoint(arm["Retry"][0]["ErrorEquals"])


def test_closing_opens_the_hold_that_follows_in_the_same_write(holds: Compiled) -> None:
    close = states(holds)["First: time is up"]
    assert close["Next"] == "Second"
    assert close["Parameters"]["UpdateExpression"] == (
        "SET #outcome = :timeout, #next_visit = :first, #next_seq = #seq, #next_opened = :now"
    )
    assert close["Parameters"]["ConditionExpression"].endswith(
        "#visit = :visit AND attribute_not_exists(#outcome)"
    )
    assert close["Parameters"]["ExpressionAttributeNames"]["#next_seq"] == "second_seq"
    alone = states(holds)["Second: time is up"]
    assert alone["Parameters"]["UpdateExpression"] == "SET #outcome = :timeout"


def test_looking_reads_nothing_personal(holds: Compiled) -> None:
    look = states(holds)["First: what was stored"]
    assert look["Parameters"]["ConsistentRead"] is True
    assert {*look["Parameters"]["ExpressionAttributeNames"].values()} == {
        "status",
        "run",
        "first_visit",
        "first_outcome",
    }


def test_stored_outcomes_lead_where_the_events_would(holds: Compiled) -> None:
    stored = states(holds)["First: stored outcome"]
    by_outcome = {
        rule["And"][1]["StringEquals"]: rule["Next"] for rule in stored["Choices"] if "And" in rule
    }
    assert by_outcome == {"acted": "Inner", "timeout": "Second", "exit": "Left"}
    happened = states(holds)["First: what happened"]
    assert [(rule["StringEquals"], rule["Next"]) for rule in happened["Choices"]] == [
        ("restart", "First"),
        ("acted", "Inner"),
        ("exit", "Left"),
    ]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_name_and_value_of_an_expression_is_used(
    name: str, shipped: dict[str, Compiled]
) -> None:
    for state in states(shipped[name]).values():
        for write in _expressions(state.get("Parameters", {})):
            text = " ".join(str(write.get(key, "")) for key in _EXPRESSIONS)
            aliases = {
                word.strip("(),") for word in text.replace("(", " ").split() if word[0] in "#:"
            }
            declared = {
                *write["ExpressionAttributeNames"],
                *write.get("ExpressionAttributeValues", {}),
            }
            assert aliases == declared


_EXPRESSIONS = ("UpdateExpression", "ConditionExpression", "ProjectionExpression")


def _expressions(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    writes = [next(iter(item.values())) for item in parameters.get("TransactItems", [])]
    return [each for each in [parameters, *writes] if "ExpressionAttributeNames" in each]


def test_message_and_hold_cost_what_is_budgeted(shipped: dict[str, Compiled]) -> None:
    cart = shipped["cart_abandonment"].machine
    silence, hello, morning = (
        "Wait for 45 minutes of silence",
        "Stylist suggestion",
        "Until next morning",
    )
    assert transitions(cart, silence, hello) == 2
    assert transitions(cart, silence, f"{silence}: what happened", silence) == 2
    assert transitions(cart, hello, f"{morning}: find the time") == 2
    assert transitions(cart, hello, f"{hello}: until it may go", f"{morning}: find the time") == 6
    assert transitions(cart, f"{morning}: find the time", "Complete outfit") == 2
    assert transitions(cart, None, "Journey completed") == 8
    orders = shipped["post_purchase"].machine
    assert transitions(orders, "Three days later", "Was it a large order?: look at customer") == 1


def test_counting_needs_a_way(shipped: dict[str, Compiled]) -> None:
    with pytest.raises(NoWayError, match="Complete outfit"):
        transitions(shipped["cart_abandonment"].machine, "Complete outfit", "Stylist suggestion")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_path_is_in_the_state_before_it_is_read(
    name: str, shipped: dict[str, Compiled]
) -> None:
    """Results of the machine's own states apart, which are read after those only."""
    program = load_program(canonical(shipped[name].program))
    state = initial_state(
        program, customer="c", partition="p", sort_key="s", enrollment="e", run=1, execution="x"
    )
    text = json.dumps(shipped[name].machine)
    for path in sorted({word.rstrip(".") for word in _paths(text)}):
        root, *rest = path.removeprefix("$.").split(".")
        if (
            root in ("found", "send", "plan", "failure", "Payload")
            or path == "$.deferral.answer.until"
        ):
            continue
        assert root in state, path
        value: Any = state[root]
        for part in rest:
            assert part in value, path
            value = value[part]


def _paths(text: str) -> list[str]:
    pieces = text.replace("$$.", " ").split("$.")[1:]
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_."
    ends = [next(i for i, letter in enumerate(piece) if letter not in letters) for piece in pieces]
    return ["$." + piece[:end] for piece, end in zip(pieces, ends, strict=True) if end]


def test_version_follows_everything_that_behaves(tmp_path: Path) -> None:
    def version(name: str, text: str) -> str:
        return compile_journey(
            only_subject(write_project(tmp_path / name, {"greeting": text}))
        ).version

    pause = HOLDS + "  - delay: {name: Pause, for: 1d}\n"
    same = version("same", HOLDS)
    assert version("comment", "# Said again.\n" + HOLDS) == same
    assert version("pause", pause) != same
    assert version("longer", pause.replace("1d", "2d")) != version("again", pause)
    assert version("draining", HOLDS + "status: draining\n") != same


def test_bundle_has_every_program_under_its_version(tmp_path: Path) -> None:
    root = write_project(tmp_path / "project", {"greeting": HOLDS})
    bundle = write_bundle(root / "statemachines", tmp_path / "out")
    again = write_bundle(root / "statemachines", tmp_path / "other")
    assert bundle == again
    catalog = json.loads((tmp_path / "out" / bundle.catalog_key).read_text())
    (version,) = catalog["programs"]
    program = load_program((tmp_path / "out" / "programs" / f"{version}.json").read_text())
    assert (program.journey, program.version) == ("greeting", version)
    assert version in bundle.machines["greeting"]["Comment"]
    assert (
        "marketing" in json.loads((tmp_path / "out" / bundle.policies_key).read_text())["purposes"]
    )


def test_definition_that_is_too_large_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "LARGEST_DEFINITION", 20_000)
    with pytest.raises(CompileError) as raised:
        compile_project(write_project(tmp_path, {"greeting": HOLDS}))
    assert [(each.code, each.place.line) for each in raised.value.problems] == [("SW206", 1)]
