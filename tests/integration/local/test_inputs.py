"""Files are checked before anything starts; all that is wrong with them is told at once."""

from pathlib import Path

import pytest

from infra.local.inputs import InputError, read_inputs
from infra.local.options import OptionError, Options, read_options
from infra.local.run import curl

ROOT = Path(__file__).parents[3]
CALL = '{"type": "identify", "timestamp": "2026-11-24T21:14:00.000Z", "userId": "u"}\n'


def options(replay: Path | None = None, policies: Path | None = None) -> Options:
    return Options(port=8080, speed=60.0, replay=replay, keep=True, policies=policies)


def test_without_files_there_is_nothing_to_read() -> None:
    inputs = read_inputs(options(), ROOT)
    assert (inputs.calls, inputs.policies) == ((), None)


def test_files_that_are_right_are_read(tmp_path: Path) -> None:
    replay = tmp_path / "events.jsonl"
    replay.write_text(CALL)
    inputs = read_inputs(options(replay, ROOT / "statemachines/policies.yaml"), ROOT)
    assert len(inputs.calls) == 1
    assert inputs.policies
    assert "marketing" in inputs.policies["purposes"]


def test_problems_of_all_files_name_file_and_line(tmp_path: Path) -> None:
    replay, policies = tmp_path / "events.jsonl", tmp_path / "policies.yaml"
    replay.write_text(CALL + "{}\n")
    policies.write_text(
        "purposes:\n"
        "  marketing: {consent: maybe, capped: true, after_unknown_outcome: drop}\n"
        "spread: long\n"
    )
    with pytest.raises(InputError) as caught:
        read_inputs(options(replay, policies), ROOT)
    first, second, third = caught.value.problems
    assert first.startswith(f"{policies}:2: purposes.marketing.consent: ")
    assert second.startswith(f"{policies}:3: spread: a duration")
    assert third.startswith(f"{replay}:2: a JSON object")


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00", b""])
def test_policies_that_cannot_be_read_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policies.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{path}:") as caught:
        read_inputs(options(policies=path), ROOT)
    assert all("\n" not in problem for problem in caught.value.problems)


def test_policies_have_to_go_with_the_journeys(tmp_path: Path) -> None:
    path = tmp_path / "few.yaml"
    path.write_text(
        "purposes:\n"
        "  transactional: {consent: assumed, capped: false, after_unknown_outcome: resend}\n"
    )
    with pytest.raises(InputError) as caught:
        read_inputs(options(policies=path), ROOT)
    journey = "statemachines/journeys/cart_abandonment/journey.yaml"
    (problem,) = (each for each in caught.value.problems if journey in each)
    assert problem.startswith(f"{path} does not go with {journey}:2: SW402 at purpose: ")
    assert "there is no purpose 'marketing'" in problem


def test_the_segments_of_a_promotion_hold_have_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("hold.yaml")
    own = (ROOT / "statemachines/policies.yaml").read_text()
    wrong = own.replace("[frustrated, ", "[frustated, ")
    path.write_text(wrong)
    with pytest.raises(InputError) as caught:
        read_inputs(options(policies=path), ROOT)
    (problem,) = caught.value.problems
    line = 1 + wrong[: wrong.index("[frustated")].count("\n")
    place = f"hold.yaml:{line}: SW1024 at promotion_hold.segments[0]: "
    assert problem.startswith(f"{place}there is no segment frustated; ")
    assert 'Did you mean "frustrated"?' in problem


def test_a_replay_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=f"^{path}: "):
        read_inputs(options(path), ROOT)


def test_a_name_of_no_replay_is_told_with_those_that_there_are() -> None:
    with pytest.raises(OptionError, match=r"REPLAY=nowhere: .* first_two_days.* none"):
        read_options({"REPLAY": "nowhere"}, ROOT)


@pytest.mark.parametrize("speed", ["1e9", "0", "fast", "nan"])
def test_both_limits_of_the_speed_are_told(speed: str) -> None:
    with pytest.raises(OptionError, match=rf"SPEED={speed}: .* 0\.001 and at most 1,000,000$"):
        read_options({"SPEED": speed}, ROOT)


def test_the_shown_call_may_be_sent_twice() -> None:
    assert "messageId" not in curl("http://localhost:8080")


def test_the_replay_that_the_documentation_shows_is_one(tmp_path: Path) -> None:
    text = (ROOT / "docs/local.md").read_text(encoding="utf-8")
    example = text.split("```json\n")[1].split("```")[0]
    path = tmp_path / "mine.jsonl"
    path.write_text(example, encoding="utf-8")
    assert len(read_inputs(options(path), ROOT).calls) == 2
