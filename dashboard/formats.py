"""Numbers and times → words, and raw values → JSON and CSV (pure)."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

UNKNOWN = "unknown"
_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def bytes_text(value: float | None) -> str:
    """Base 1024, three significant digits: 1536 → '1.5 kB', None → 'unknown'."""
    if value is None:
        return UNKNOWN
    size, unit = abs(float(value)), 0
    while size >= 999.5 and unit < len(_BYTE_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    sign = "\N{MINUS SIGN}" if value < 0 else ""
    return f"{sign}{_short(size)} {_BYTE_UNITS[unit]}"


def count_text(value: float | None) -> str:
    """12 345 678 → '12.3 M'; below 10 000 exact with a thin space between thousands."""
    if value is None:
        return UNKNOWN
    size = abs(float(value))
    sign = "\N{MINUS SIGN}" if value < 0 else ""
    if size < 10_000:
        text = f"{size:,.0f}" if size == int(size) else _short(size)
        return sign + text.replace(",", "\N{NARROW NO-BREAK SPACE}")
    for limit, unit in ((999_500, "k"), (999_500_000, "M"), (999_500_000_000, "G")):
        if size < limit:
            return f"{sign}{_short(size / (limit / 999.5))} {unit}"
    return f"{sign}{_short(size / 1e12)} T"


def ms_text(value: float | None) -> str:
    """Milliseconds → '0.42 ms', '12.3 s', '4 min 10 s', '3 h 5 min', '2 d 4 h'."""
    if value is None:
        return UNKNOWN
    if value < 999.5:
        return f"{_short(value)} ms"
    if value < 59_950:
        return f"{_short(value / 1000)} s"
    return duration_text(timedelta(milliseconds=value))


def duration_text(value: timedelta | None) -> str:
    """The two largest units: '45 s', '4 min 10 s', '3 h 5 min', '2 d 4 h'."""
    if value is None:
        return UNKNOWN
    seconds = max(0, int(value.total_seconds()))
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    first = next((index for index, (number, _) in enumerate(parts) if number), 3)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number) or "0 s"


def ago_text(at: datetime | None, now: datetime) -> str:
    """'14 s ago', 'in 3 min' for times ahead, 'never' for None; one unit."""
    if at is None:
        return "never"
    span = now - at
    words = duration_text(abs(span)).split(" ")[:2]
    return f"in {' '.join(words)}" if span < timedelta(0) else f"{' '.join(words)} ago"


def percent_text(share: float | None) -> str:
    """A share from 0 to 1 → '12.3 %'; what is not nothing never reads as 0 %."""
    if share is None:
        return UNKNOWN
    percent = share * 100
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.0f} %" if percent in {0, 100} or percent >= 99.95 else f"{_short(percent)} %"


def window_text(window: timedelta) -> str:
    """The window of a list as its URL writes it: 15m, 24h, 7d."""
    minutes = int(window.total_seconds()) // 60
    if minutes % 1440 == 0:
        return f"{minutes // 1440}d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def utc_text(at: datetime) -> str:
    """RFC 3339 in UTC with Z, as JSON and <time datetime> carry it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def visible(text: str) -> str:
    """Characters that make a browser show text in another order, written out: nobody approves what they hide."""
    return text if text.isascii() else _TURNING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def json_value(value: Any) -> Any:
    """A field of a row as JSON carries it: raw units, times as RFC 3339 UTC."""
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_value(item) for item in value]
    return value


def csv_value(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    raw = json_value(value)
    if raw is None:
        return ""
    if isinstance(raw, bool | int | float):
        return str(raw).lower() if isinstance(raw, bool) else str(raw)
    text = ", ".join(map(_csv_text, raw)) if isinstance(raw, list) else _csv_text(raw)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _csv_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _short(value: float) -> str:
    """Three significant digits without trailing zeros."""
    for limit, digits in ((9.995, 2), (99.95, 1)):
        if value < limit:
            text = f"{value:.{digits}f}"
            return text.rstrip("0").rstrip(".")
    return f"{value:.0f}"
