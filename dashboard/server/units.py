"""Values of settings as a person writes them (pure)."""

import re
from datetime import timedelta

from dashboard.formats import bytes_text, duration_text

BYTES = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_BLOCKS = re.compile(r"(\d+)(B|kB|MB|GB)\Z")
_WHOLE = re.compile(r"\d{1,18}\Z")


def value_text(value: str | None, unit: str | None) -> str:
    """16384 in 8kB is 128 MB, 300 in s is 5 min; what has no unit, and -1 and 0, stand as they are."""
    if value is None:
        return "unknown"
    if value == "":
        return "(empty)"
    if unit is None or not _WHOLE.match(value) or value == "0":
        return value
    if unit in SECONDS:
        seconds = int(value) * SECONDS[unit]
        return duration_text(timedelta(seconds=seconds)) if seconds >= 1 else f"{value} {unit}"
    blocks = _BLOCKS.match(unit)
    size = int(blocks[1]) * BYTES[blocks[2]] if blocks else BYTES.get(unit)
    return bytes_text(int(value) * size) if size else f"{value} {unit}"
