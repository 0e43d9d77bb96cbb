"""One synthesis for all infrastructure tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infra.app import build
from infra.compiled import Compiled
from infra.settings import settings_for
from infra.stacks.engine import Sources
from tests.infrastructure.synthesized import (
    Synthesized,
    compiled_journeys,
    example_sources,
    read_assembly,
)


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    return example_sources(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compiled_journeys(tmp_path_factory.mktemp("compiled"))


@pytest.fixture(scope="session")
def synthesized(
    tmp_path_factory: pytest.TempPathFactory, sources: Sources, compiled: Compiled
) -> Synthesized:
    """The local stage's templates; cdk-nag has found nothing, or this raises."""
    folder: Path = tmp_path_factory.mktemp("cdk") / "out"
    build(settings_for("local"), compiled, sources, outdir=str(folder)).synth()
    return read_assembly(folder)


@pytest.fixture(scope="session")
def without_firewall(
    tmp_path_factory: pytest.TempPathFactory, sources: Sources, compiled: Compiled
) -> Synthesized:
    """A stage that does without."""
    folder: Path = tmp_path_factory.mktemp("cdk") / "without"
    settings = replace(settings_for("local"), firewall=False)
    build(settings, compiled, sources, outdir=str(folder)).synth()
    return read_assembly(folder)
