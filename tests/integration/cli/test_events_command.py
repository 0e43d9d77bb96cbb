"""`stepwell events check` and `publish` on a copy of the shipped project, changed as people do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell.cli.main import main
from stepwell.journeys.compiler.published import LOCK
from stepwell.journeys.compiler.registry_page import PAGE

Json = dict[str, Any]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree("events/schemas", tmp_path / "events" / "schemas")
    shutil.copy(LOCK, tmp_path / LOCK)
    shutil.copytree("statemachines", tmp_path / "statemachines")
    (tmp_path / "docs").mkdir()
    shutil.copy(PAGE, tmp_path / PAGE)
    return tmp_path


def edit(root: Path, file: str, change: Callable[[Json], None], to: str = "") -> None:
    path = root / "events" / "schemas" / file
    schema = json.loads(path.read_text())
    change(schema)
    path.with_name(to or file).write_text(json.dumps(schema))


def run(root: Path, action: str, *words: str) -> int:
    return main(["events", action, "--root", str(root), *words])


def problems(root: Path, capsys: pytest.CaptureFixture[str]) -> list[Json]:
    status = run(root, "check", "--json")
    found: list[Json] = json.loads(capsys.readouterr().out)
    assert status == (1 if found else 0)
    return found


def test_the_shipped_registry_is_published(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "check") == 0
    assert "as published; 5 journeys fit them all." in capsys.readouterr().out
    assert problems(root, capsys) == []


def test_what_a_sender_could_not_live_with_is_refused_with_version_path_and_rule(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def narrow(schema: Json) -> None:
        schema["required"].append("currency")
        schema["properties"]["coupon"]["maxLength"] = 8

    edit(root, "order_completed.json", narrow)
    found = problems(root, capsys)
    assert [(each["code"], each["file"], each["path"]) for each in found] == [
        ("SW530", "events/schemas/order_completed.json", "properties.coupon"),
        ("SW530", "events/schemas/order_completed.json", "properties.currency"),
    ]
    assert found[1]["message"] == (
        'is required now, and version 1 of "Order Completed" is published (rule: required)'
    )
    assert "make a new version: events/schemas/order_completed.2.json" in found[1]["remedy"]
    before = (root / LOCK).read_text()
    assert run(root, "publish") == 1
    assert "Nothing is written." in capsys.readouterr().err
    assert (root / LOCK).read_text() == before


def test_the_same_change_is_free_in_a_new_version(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def narrow(schema: Json) -> None:
        schema["required"].append("currency")

    edit(root, "order_completed.json", narrow, to="order_completed.2.json")
    [unpublished] = problems(root, capsys)
    assert (unpublished["code"], unpublished["file"]) == ("SW533", LOCK)
    assert "Order Completed" in unpublished["message"]
    assert run(root, "publish") == 0
    assert "Order Completed published anew" in capsys.readouterr().out
    assert problems(root, capsys) == []
    edit(root, "order_completed.2.json", lambda schema: schema.update(required=["total"]))
    assert "version 2" in problems(root, capsys)[0]["message"]


def test_a_property_that_a_journey_reads_may_not_go(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(root, "product_added.json", lambda schema: schema["properties"].pop("cart_value"))
    found = problems(root, capsys)
    [journey] = [each for each in found if each["code"] == "SW521"]
    text = (root / journey["file"]).read_text().splitlines()[journey["line"] - 1]
    assert journey["file"] == "statemachines/journeys/cart_abandonment/journey.yaml"
    assert "cart_value" in text
    assert "has no cart_value" in journey["message"]


def test_a_new_version_without_what_a_journey_reads_names_the_version(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(
        root,
        "product_added.json",
        lambda schema: schema["properties"].pop("cart_value"),
        to="product_added.2.json",
    )
    found = problems(root, capsys)
    assert 'has no cart_value in version 2 of "Product Added"' in found[0]["message"]


def test_a_new_version_with_another_type_than_a_computed_trait_takes_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    profile = root / "statemachines/profile.yaml"
    trait = "  halves: {kind: sum, event: Order Completed, value: event.properties.total}\n"
    profile.write_text(profile.read_text().replace("computed:\n", f"computed:\n{trait}", 1))
    assert problems(root, capsys) == []
    edit(
        root,
        "order_completed.json",
        lambda schema: schema["properties"].update(total={"type": "string"}),
        to="order_completed.2.json",
    )
    told = {each["code"]: each for each in problems(root, capsys)}
    assert told["SW1007"]["file"] == "statemachines/profile.yaml"
    assert 'string in version 2 of "Order Completed"' in told["SW1007"]["message"]
    assert main(["events", "publish", "--root", str(root)]) == 1


def test_a_published_version_may_not_go_before_it_is_retired(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schemas = root / "events" / "schemas"
    shutil.copy(schemas / "trial_started.json", schemas / "trial_started.2.json")
    assert run(root, "publish") == 0
    (schemas / "trial_started.json").unlink()
    capsys.readouterr()
    [gone] = problems(root, capsys)
    assert gone["code"] == "SW531"
    assert "apps may be sending it; journeys take it: hesitation, onboarding" in gone["message"]
    assert run(root, "publish") == 1
    assert run(root, "publish", "--retire", "Trial Started", "1") == 0
    capsys.readouterr()
    assert problems(root, capsys) == []
    shutil.copy(schemas / "trial_started.2.json", schemas / "trial_started.json")
    [used_up] = problems(root, capsys)
    assert used_up["code"] == "SW534"
    assert "trial_started.3.json" in used_up["remedy"]


def test_a_new_version_has_a_greater_number_than_any_that_was(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schemas = root / "events" / "schemas"
    shutil.copy(schemas / "trial_started.json", schemas / "trial_started.3.json")
    assert run(root, "publish") == 0
    shutil.copy(schemas / "trial_started.json", schemas / "trial_started.2.json")
    capsys.readouterr()
    [too_low] = problems(root, capsys)
    assert (too_low["code"], too_low["file"]) == ("SW532", "events/schemas/trial_started.2.json")
    assert "events that name no version are held to the oldest" in too_low["message"]
    assert too_low["remedy"] == "Give it a greater number: trial_started.4.json."
    assert run(root, "publish") == 1
    (schemas / "trial_started.2.json").rename(schemas / "trial_started.4.json")
    assert run(root, "publish") == 0


def test_a_number_below_one_that_is_just_retired_is_too_low_as_well(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schemas = root / "events" / "schemas"
    shutil.copy(schemas / "trial_started.json", schemas / "trial_started.3.json")
    assert run(root, "publish") == 0
    (schemas / "trial_started.3.json").rename(schemas / "trial_started.2.json")
    before = (root / LOCK).read_text()
    capsys.readouterr()
    assert run(root, "publish", "--json", "--retire", "Trial Started", "3") == 1
    [too_low] = json.loads(capsys.readouterr().out)
    assert too_low["code"] == "SW532"
    assert too_low["remedy"] == "Give it a greater number: trial_started.4.json."
    assert (root / LOCK).read_text() == before


def test_the_last_version_may_not_be_retired_while_a_journey_takes_the_event(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "events" / "schemas" / "trial_started.json").unlink()
    assert run(root, "publish", "--retire", "Trial Started", "1") == 1
    assert "there is no event 'Trial Started'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--retire", "Trial Started", "1"), "its file is still there"),
        (("--retire", "Trial Started", "7"), "no such version is published"),
        (("--retire", "Sneezed", "x"), "no such version is published"),
    ],
)
def test_what_cannot_be_retired_is_one_clear_line(
    root: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert run(root, "publish", *words) == 2
    assert said in capsys.readouterr().err


def test_a_lock_that_was_merged_badly_cannot_be_used(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / LOCK).write_text("<<<<<<< HEAD")
    assert run(root, "check") == 2
    assert "take it from git again" in capsys.readouterr().err


def test_a_schema_that_is_none_is_told_before_all_else(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "events" / "schemas" / "trial_started.json").write_text("{")
    [problem] = problems(root, capsys)
    assert problem["code"] == "SW500"
    assert run(root, "publish") == 1


# ---------------------------------------------------------------- docs


def test_the_shipped_page_is_what_the_schemas_say(root: Path) -> None:
    assert run(root, "docs", "--check") == 0


def test_a_page_that_has_drifted_is_refused_and_written_anew(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(schema: Json) -> None:
        schema["properties"]["gift"] = {
            "type": ["boolean", "null"],
            "description": "Whether it is | may be a gift.",
        }
        schema["additionalProperties"] = False

    edit(root, "order_completed.json", change, to="order_completed.2.json")
    old = (root / PAGE).read_text()
    assert run(root, "docs", "--check") == 1
    assert "`stepwell events docs`" in capsys.readouterr().err
    assert (root / PAGE).read_text() == old
    assert run(root, "docs", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"file": PAGE, "changed": True}
    text = (root / PAGE).read_text()
    assert "| `gift` | boolean or null |  |  | Whether it is \\| may be a gift. |" in text
    assert "Version 1, which an event means that names none (`events/schemas/order" in text
    assert "It is closed: other properties are refused." in text
    assert run(root, "docs", "--check") == 0


def test_the_page_tells_types_bounds_and_journeys(root: Path) -> None:
    text = (root / PAGE).read_text()
    assert "| [Product Added](#product-added) | 1 | A product was put into the cart. |" in text
    assert "| `cart_id` | string | yes |  | Id of the cart. |" in text
    assert "| `price` | number |  | ≥ 0 | Price of one. |" in text
    assert "| `products[].price` | number |  | ≥ 0 | Price of one. |" in text
    assert '| `status` | string | yes | `"granted"`, `"revoked"` | The customer' in text
    assert "Taken by `cart_abandonment`" in text
    assert "No journey takes it." in text
