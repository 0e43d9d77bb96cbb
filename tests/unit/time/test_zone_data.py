"""Zone rules come from the locked tzdata package alone, never from the machine."""

from __future__ import annotations

import shutil
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, time
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from stepwell.conditions.functions import FUNCTIONS
from stepwell.customers.zones import candidates
from stepwell.journeys.local_time import next_local_time

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def strange_machine(tmp_path: Path) -> Iterator[None]:
    """A machine on which London has Tokyo's clocks, and so has UTC."""
    tokyo = resources.files("tzdata").joinpath("zoneinfo", "Asia", "Tokyo")
    (tmp_path / "Europe").mkdir()
    for name in ("Europe/London", "UTC"):
        with resources.as_file(tokyo) as file:
            shutil.copy(file, tmp_path / name)
    path = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(to=path)
    ZoneInfo.clear_cache()


@pytest.mark.usefixtures("strange_machine")
def test_the_machines_zones_do_not_count() -> None:
    assert NOW.astimezone(ZoneInfo("Europe/London")).hour == 21
    (london,) = candidates({"zone": "Europe/London"}).zones
    assert NOW.astimezone(london).hour == 12
    hours, _ = FUNCTIONS["getHours"]
    assert hours(NOW, "Europe/London") == 12
    assert next_local_time(NOW, time(13), (), []) == datetime(2026, 11, 24, 13, tzinfo=UTC)
