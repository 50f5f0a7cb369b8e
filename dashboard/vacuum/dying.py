"""How many rows of a table die a day, and how long it is being vacuumed, from what each look found (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

DAY = timedelta(days=1)
LONGEST = timedelta(days=14)
ENOUGH = timedelta(days=2)
WORKS = ("vacuums", "autovacuums", "analyzes", "autoanalyzes")


@dataclass(frozen=True)
class Dying:
    """`died_rows` since `died_since`, at least; `vacuumed_ms` in that time, None before PostgreSQL 18."""

    died_since: datetime
    died_rows: int = 0
    vacuumed_ms: float | None = None


def continued(before: Mapping[str, Any] | None, now: Mapping[str, Any], slot: datetime) -> Dying:
    """What is known after this look; both rows as stored in table_vacuum.

    Only rises count: what died and was vacuumed between two looks is not seen. A look after an ANALYZE counts no rows,
    because that estimates the dead ones anew. Counters that fell begin again. From two weeks on the older half is
    forgotten.
    """
    if before is None or any(now[work] < before[work] for work in WORKS) or slot <= before["died_since"]:
        return Dying(slot, 0, None if now["autovacuum_ms"] is None else 0.0)
    is_estimated = any(now[work] != before[work] for work in ("analyzes", "autoanalyzes"))
    died = 0 if is_estimated else max(0, now["dead_rows"] - before["dead_rows"])
    found = Dying(before["died_since"], before["died_rows"] + died, _vacuumed_ms(before, now))
    if slot - found.died_since <= LONGEST:
        return found
    half = None if found.vacuumed_ms is None else found.vacuumed_ms / 2
    return Dying(found.died_since + (slot - found.died_since) / 2, found.died_rows // 2, half)


def per_day(died_rows: int, died_since: datetime, now: datetime) -> float | None:
    """None before two days were seen."""
    seen = now - died_since
    return died_rows / (seen / DAY) if seen >= ENOUGH else None


def _vacuumed_ms(before: Mapping[str, Any], now: Mapping[str, Any]) -> float | None:
    if now["autovacuum_ms"] is None or before["vacuumed_ms"] is None:
        return None
    return float(before["vacuumed_ms"] + max(0.0, now["autovacuum_ms"] - before["autovacuum_ms"]))
