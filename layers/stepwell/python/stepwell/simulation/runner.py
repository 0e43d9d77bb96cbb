"""Play all chunks of a source, in worker processes, and add up what they counted.

Workers are given source and definitions once, then a chunk at a time. What they counted is added up
in the order of the chunks, so that any number of workers gives the same result. Ctrl-C ends all of
them at once.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from stepwell.simulation.definitions import Definitions
from stepwell.simulation.engine import Simulation
from stepwell.simulation.population.events_file import EventsFileError
from stepwell.simulation.population.sources import Chunk, Source
from stepwell.simulation.report.tally import Tally, harvest

Progress = Callable[[int, int], None]
"""Told how many customers are done, and of how many, after each chunk."""


Harvest = Callable[[Simulation], Tally]


class SimulationCrashError(Exception):
    """A part could not be played; the message names it, its first customer, and why."""


@dataclass(frozen=True, slots=True)
class Task:
    """What every worker knows. `harvest` counts a simulation that has come to its end."""

    source: Source
    definitions: Definitions
    seed: int
    harvest: Harvest

    def play(self, chunk: Chunk) -> Tally:
        """Raises EventsFileError, SimulationCrashError."""
        try:
            return self.harvest(self.source.play(chunk, self.definitions, self.seed))
        except EventsFileError:
            raise
        except Exception as error:
            raise _crashed(chunk, f"{type(error).__name__}: {error}") from error


def simulate(
    source: Source,
    definitions: Definitions,
    seed: int,
    *,
    workers: int | None = None,
    progress: Progress | None = None,
    harvest: Harvest = harvest,
) -> Tally:
    """What all customers did, counted.

    `workers`: as many as there are CPUs; 1 plays in this process. Raises EventsFileError,
    SimulationCrashError.
    """
    chunks = source.chunks()
    # A copy leaves behind what was loaded from it, which cannot be given to other processes.
    task = Task(source, replace(definitions), seed, harvest)
    count = min(workers or os.cpu_count() or 1, len(chunks))
    played = _play_here(task, chunks) if count < 2 else _play_in_workers(task, chunks, count)
    total, done = Tally(), 0
    with closing(played):  # at once, also when Ctrl-C or `progress` ends this loop
        for chunk, counted in zip(chunks, played, strict=True):
            total.merge(counted)
            done += chunk.customers
            if progress:
                progress(done, source.customers)
    return total


def _play_here(task: Task, chunks: Sequence[Chunk]) -> Generator[Tally, None, None]:
    return (task.play(chunk) for chunk in chunks)


def _play_in_workers(
    task: Task, chunks: Sequence[Chunk], count: int
) -> Generator[Tally, None, None]:
    """The results in the order of the chunks."""
    with _pool(task, count) as pool:
        with _interrupts_held():  # workers inherit it: only this process hears of Ctrl-C
            futures = deque(pool.submit(_work, chunk) for chunk in chunks)
        for chunk in chunks:
            yield _result(futures.popleft(), chunk)


@contextmanager
def _pool(task: Task, count: int) -> Iterator[ProcessPoolExecutor]:
    """A pool that leaves no process behind, whatever happens."""
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin_work, initargs=(task,))
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


_OBJECTS_BETWEEN_COLLECTIONS = 20_000
"""Instead of 700: a chunk keeps nearly all that it makes, so that looking for garbage more often
costs a tenth of the time and finds none.
"""

_task: Task | None = None


def _begin_work(task: Task) -> None:
    global _task  # noqa: PLW0603 - what a worker process is given once
    _task = task
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)


def _work(chunk: Chunk) -> Tally:
    if _task is None:
        raise RuntimeError("this worker was not given its task")
    return _task.play(chunk)


def _result(future: Future[Tally], chunk: Chunk) -> Tally:
    try:
        return future.result()
    except BrokenProcessPool as error:
        said = "a worker process ended; fewer --workers need less memory"
        raise _crashed(chunk, said) from error


def _crashed(chunk: Chunk, why: str) -> SimulationCrashError:
    where = f"part {chunk.number} of the population, whose first customer is {chunk.first}"
    return SimulationCrashError(f"{where}, could not be played: {why}")
