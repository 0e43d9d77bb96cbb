"""Values that conditions compute with, as JSON for people."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from stepwell.conditions.lazy import LazyMap
from stepwell.timestamps import to_text


def as_json(value: Any) -> Any:
    """Moments as ISO texts, durations in seconds, whole numbers without a point."""
    match value:
        case LazyMap():
            return as_json(value.whole())
        case dict():
            return {name: as_json(each) for name, each in value.items()}
        case list():
            return [as_json(each) for each in value]
        case datetime():
            return to_text(value)
        case timedelta():
            return f"{value.total_seconds():g}s"
        case float() if value.is_integer():
            return int(value)
    return value
