"""The engine that these tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.engine import LocalEngine
from tests.support.machines import START


@pytest.fixture
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(START) as engine:
        yield engine
