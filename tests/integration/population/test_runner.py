"""Parts of a population in worker processes: one result, whatever happens to a worker."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stepwell.simulation.defining import read_definitions
from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.population.events_file import EventsFileError
from stepwell.simulation.population.sources import Chunk, PopulationSource, read_events
from stepwell.simulation.report.tally import Tally
from stepwell.simulation.runner import SimulationCrashError, simulate
from tests.support.populations import ROOT, shipped_population

START = datetime(2026, 11, 2, tzinfo=UTC)
SCRIPT = """
import sys
from pathlib import Path
from tests.integration.population.test_runner import shop_definitions
from stepwell.simulation.population.reader import read_population
from stepwell.simulation.population.sources import PopulationSource
from stepwell.simulation.runner import simulate

def tell(done, total):
    print(done, total, flush=True)

if __name__ == "__main__":
    population = read_population(Path("statemachines/population.yaml"), Path())
    source = PopulationSource(population, int(sys.argv[1]))
    tally = simulate(source, shop_definitions(), 5, workers=int(sys.argv[2]), progress=tell)
    print(repr(tally))
"""


def shop_definitions() -> Definitions:
    return read_definitions(ROOT, frozenset({"cart_abandonment"}))


@pytest.fixture(scope="module")
def cart() -> Definitions:
    return shop_definitions()


def count_customers(simulation: Simulation) -> Tally:
    return Tally(customers=len(simulation.trace.customers), problems=[str(simulation.now)])


@dataclass(frozen=True)
class Stubborn:
    """Four parts of ten customers each; one of them does what `trouble` does."""

    trouble: Callable[[], None]
    start: datetime = START
    until: datetime | None = None
    customers: int = 40
    bad: frozenset[int] = field(default_factory=lambda: frozenset({2}))

    def chunks(self) -> list[Chunk]:
        return [Chunk(number, 10, f"someone-{number}") for number in range(4)]

    def play(self, chunk: Chunk, definitions: Definitions, seed: int) -> Simulation:
        if chunk.number in self.bad:
            self.trouble()
        return Simulation(definitions, self.start + timedelta(days=chunk.number), seed=seed)


def fail() -> None:
    raise KeyError("nothing there")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_on() -> None:
    time.sleep(600)


def refuse() -> None:
    raise EventsFileError(["f.jsonl:3: is wrong; write it right"])


# ---------------------------------------------------------------- one result


def test_any_number_of_workers_gives_the_same(cart: Definitions) -> None:
    source = PopulationSource(shipped_population(), 1_100, days=10)
    alone = simulate(source, cart, 5, workers=1)
    told: list[tuple[int, int]] = []
    together = simulate(
        source, cart, 5, workers=2, progress=lambda done, total: told.append((done, total))
    )
    assert repr(together) == repr(alone)
    assert told == [(500, 1_100), (1_000, 1_100), (1_100, 1_100)]
    assert alone.customers == 1_100
    assert alone.journeys["cart_abandonment"].entries > 100
    assert repr(simulate(source, cart, 6, workers=1)) != repr(alone)


def test_the_order_of_hashes_changes_nothing() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, "40", "1"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    [only] = printed
    assert b"Tally(customers=40" in only


def test_a_file_of_events_is_played_in_workers_too(cart: Definitions, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    calls = [
        {
            "type": "track",
            "timestamp": (START + timedelta(minutes=number)).isoformat(),
            "userId": f"u-{number % 400}",
            "event": "Product Added",
            "properties": {"cart_id": f"c-{number}", "product_id": "p", "cart_value": 60},
        }
        for number in range(800)
    ]
    path.write_text("".join(json.dumps(each) + "\n" for each in calls), encoding="utf-8")
    source = read_events(path)
    alone = simulate(source, cart, 0, workers=1)
    assert repr(simulate(source, cart, 0, workers=3)) == repr(alone)
    assert (alone.customers, alone.events) == (400, 800)


def test_what_workers_counted_is_added_in_the_order_of_the_parts(cart: Definitions) -> None:
    quiet = Stubborn(fail, bad=frozenset())
    days = [str(START + timedelta(days=number)) for number in range(4)]
    for workers in (1, 2, 3):
        tally = simulate(quiet, cart, 0, workers=workers, harvest=count_customers)
        assert tally.problems == days


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize("workers", [1, 2])
def test_a_part_that_fails_is_named(cart: Definitions, workers: int) -> None:
    with pytest.raises(SimulationCrashError) as raised:
        simulate(Stubborn(fail), cart, 0, workers=workers, harvest=count_customers)
    assert str(raised.value) == (
        "part 2 of the population, whose first customer is someone-2, could not be played: "
        "KeyError: 'nothing there'"
    )
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_wrong_with_the_input_is_told_as_it_is(cart: Definitions, workers: int) -> None:
    with pytest.raises(EventsFileError) as raised:
        simulate(Stubborn(refuse), cart, 0, workers=workers, harvest=count_customers)
    assert str(raised.value) == "f.jsonl:3: is wrong; write it right"


def test_a_worker_that_is_killed_is_told(cart: Definitions) -> None:
    with pytest.raises(SimulationCrashError, match=r"whose first customer is someone-\d.* memory"):
        simulate(Stubborn(die), cart, 0, workers=2, harvest=count_customers)
    assert multiprocessing.active_children() == []


def test_progress_that_raises_ends_the_workers(cart: Definitions) -> None:
    def give_up(done: int, total: int) -> None:
        raise KeyboardInterrupt

    source = Stubborn(sleep_on, bad=frozenset({1, 2, 3}))
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        simulate(source, cart, 0, workers=2, progress=give_up, harvest=count_customers)
    assert multiprocessing.active_children() == []
    assert time.monotonic() - began < 60


def test_ctrl_c_ends_all_processes_at_once_and_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "100000", "2"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().endswith("100000\n")  # all workers are at work
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, told = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode == -signal.SIGINT
    assert told.count("Traceback") == told.count("KeyboardInterrupt") == 1  # none of a worker's


def test_definitions_that_were_loaded_here_go_to_workers_all_the_same(cart: Definitions) -> None:
    assert cart.loaded_programs
    source = replace(PopulationSource(shipped_population(), 501), days=1)
    assert simulate(source, cart, 0, workers=2).customers == 501
