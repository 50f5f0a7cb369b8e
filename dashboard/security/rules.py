"""Decisions of sign-in and requests (pure)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

HIDDEN = "•••"
_SECRET = re.compile(
    r"password|passphrase|secret|token|credential|api_?key|key_hash|dsn|cookie|authorization", re.IGNORECASE
)
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*\Z")


def own_request(fetch_site: str | None, origin: str | None, own_origin: str) -> bool:
    """Whether an unsafe request comes from our own pages; a client that sends neither header is no browser.

    Browsers send Sec-Fetch-Site on https and loopback only; on plain http elsewhere Origin arrives alone.
    """
    if fetch_site is not None:
        return fetch_site == "same-origin"
    return origin is None or origin == own_origin


def same_site_path(asked: str | None, default: str = "/") -> str:
    """Where to go after sign-in: a path of ours, never another host."""
    if asked and len(asked) <= 2_000 and _PATH.match(asked):
        return asked
    return default


def wait_s(failures: Sequence[datetime], now: datetime, *, free: int, longest_s: int) -> int:
    """Seconds until the next attempt is looked at: none for the first `free` failures, then 2, 4, 8 … `longest_s`."""
    if len(failures) <= free:
        return 0
    delay = timedelta(seconds=min(longest_s, 2 ** min(len(failures) - free, 20)))
    left = (max(failures) + delay - now).total_seconds()
    return max(0, -int(-left // 1))


def redacted(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The fields of an audit entry without what must not be kept: secrets by name, at any depth."""
    if fields is None:
        return None
    return {name: HIDDEN if _is_secret(name, value) else _plain(value) for name, value in fields.items()}


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[tuple[str, Any, Any]]:
    """(field, old, new) of every field that differs, in the order of their names; a missing side is None."""
    old, new = before or {}, after or {}
    return [
        (name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if name not in old or name not in new or old[name] != new[name]
    ]


def _is_secret(name: str, value: Any) -> bool:
    return value not in (None, "") and not isinstance(value, bool) and _SECRET.search(name) is not None


def _plain(value: Any) -> Any:
    """JSON as PostgreSQL keeps it: no NUL, no NaN, whole floats as integers, times and the rest as text."""
    if isinstance(value, Mapping):
        return redacted({_text(name): item for name, item in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):  # noqa: PLR0124 - NaN differs from itself
        return int(value) if value.is_integer() else value
    return _text(value.isoformat() if isinstance(value, datetime) else value)


def _text(value: Any) -> str:
    return str(value).replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
