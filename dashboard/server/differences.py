"""What pg_stat_io counted between two readings (pure): nothing across a restart, a reset or a loss."""

from collections.abc import Iterable, Mapping
from typing import Any

COUNTS = (
    "reads", "read_bytes", "writes", "write_bytes", "extends", "extend_bytes", "hits", "evictions", "reuses", "fsyncs",
)  # fmt: skip
TIMES_MS = ("read_ms", "write_ms", "fsync_ms")
KEYS = ("backend_type", "object", "context")
Counters = dict[str, dict[str, float | None]]


def counters(rows: Iterable[Mapping[str, Any]]) -> Counters:
    """Counters by who, of what and how; a time that is not measured is unknown, not 0."""
    found: Counters = {}
    for row in rows:
        is_timed = row["times_wal_io"] if row["object"] == "wal" else row["times_io"]
        times = {name: row[name] if is_timed else None for name in TIMES_MS}
        found["|".join(row[key] for key in KEYS)] = {name: row[name] for name in COUNTS} | times
    return found


def differences(before: Counters, after: Counters) -> list[dict[str, Any]] | None:
    """One row for each group that did something; None when a counter went down or a group vanished.

    A group that was not there before had counted nothing.
    """
    if before.keys() - after.keys():
        return None
    found = []
    for key, now in after.items():
        then = before.get(key, dict.fromkeys(COUNTS, 0))
        grown = {name: _grown(then.get(name, 0), value) for name, value in now.items()}
        if any(value is not None and value < 0 for value in grown.values()):
            return None
        if any(grown.values()):
            found.append(dict(zip(KEYS, key.split("|"), strict=True)) | grown)
    return found


def _grown(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before
