"""How far a sequence is from its end, and from the end of the narrowest column that holds its numbers (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.findings.rules import Finding, Remedy
from dashboard.formats import count_text, percent_text
from dashboard.vacuum.forecast import DAY, forecast

NO_RIGHT = "the watching role may not read it"
LOCKED = "not read this time: a lock was in the way"
UNUSED = "not used yet"
CYCLES = "starts over at its end"
LITTLE = "less than 1 % is used"
WORTH_FORECASTING = 0.01
LOUD_SHARE, CRITICAL_SHARE = 0.8, 0.95
SOON, VERY_SOON = timedelta(days=365), timedelta(days=30)
LONGER = (
    "The column has to become bigint, and so does each column that refers to it. ALTER TABLE … ALTER COLUMN … TYPE "
    "bigint writes the whole table anew while nobody may read it; on a large table add a bigint column, fill it in "
    "batches, and swap the two."
)
OWN_END = "Changes the sequence alone, at once; nothing is written anew. The column has room for the larger numbers."


@dataclass(frozen=True)
class Seen:
    """What was read now (None: not used yet), what the store knew (last value, when sampled), and older samples."""

    values: Mapping[int, int | None]
    known: Mapping[int, tuple[int | None, datetime | None]]
    a_week_ago: Mapping[int, tuple[datetime, int]]
    slot: datetime

    def last(self, oid: int) -> int | None:
        """As read now, else as last known."""
        return self.values[oid] if oid in self.values else self.known.get(oid, (None, None))[0]

    def is_new(self, state: Mapping[str, Any]) -> bool:
        """Whether its value is to be written down."""
        before, sampled_at = self.known.get(state["oid"], (None, None))
        is_read = state["oid"] in self.values and state["last_value"] is not None
        return is_read and (sampled_at is None or before != state["last_value"])


@dataclass(frozen=True)
class Reach:
    """Where a sequence ends. `is_own`: at its own bound, else at the bound of the column's type."""

    limit: int
    is_own: bool
    used_share: float | None
    left: int | None


def reach(row: Mapping[str, Any], last_value: int | None) -> Reach:
    """Upwards to the smaller of both bounds, downwards (negative increment) to the larger."""
    if row["increment"] > 0:
        bounds = (row["max_value"], row["column_high"])
        limit = min(bound for bound in bounds if bound is not None)
        origin = min(row["min_value"], limit)
    else:
        bounds = (row["min_value"], row["column_low"])
        limit = max(bound for bound in bounds if bound is not None)
        origin = max(row["max_value"], limit)
    is_own = limit == bounds[0]
    if last_value is None:
        return Reach(limit, is_own, None, None)
    whole = abs(limit - origin)
    return Reach(limit, is_own, min(1.0, abs(last_value - origin) / whole) if whole else 1.0, abs(limit - last_value))


def is_endless(row: Mapping[str, Any], found: Reach) -> bool:
    """It cycles before the column is full."""
    return bool(row["is_cyclic"] and found.is_own)


def asks_forecast(row: Mapping[str, Any], last_value: int | None) -> bool:
    found = reach(row, last_value)
    return not is_endless(row, found) and (found.used_share or 0) >= WORTH_FORECASTING


def state_of(row: Mapping[str, Any], seen: Seen, days: Sequence[tuple[datetime, int]] | None) -> dict[str, Any]:
    """A row of sequence_state without its target; `days`: last values of its days where they ask for a forecast."""
    oid, last = row["oid"], seen.last(row["oid"])
    found, old = reach(row, last), seen.known.get(oid)
    foreseen, why_not = None, CYCLES if is_endless(row, found) else LITTLE
    if days is not None and last is not None:
        sign = 1 if row["increment"] > 0 else -1
        points = [(at, sign * value) for at, value in [*days, (seen.slot, last)]]
        foreseen = forecast(points, sign * found.limit)
    state = {
        **{name: row[name] for name in COPIED},
        "last_value": last,
        "note": _note(row, seen),
        "limit_value": found.limit,
        "used_share": None if found.used_share is None else round(found.used_share, 6),
        "ids_per_day": _per_day(seen.a_week_ago.get(oid), last, seen.slot),
        "exhausted_from": foreseen.earliest if foreseen else None,
        "exhausted_until": foreseen.latest if foreseen else None,
        "forecast_note": None if last is None else foreseen.note if foreseen else why_not,
    }
    return state | {"sampled_at": seen.slot if seen.is_new(state) else old[1] if old else None}


def _note(row: Mapping[str, Any], seen: Seen) -> str | None:
    """Why there is no last value, or an old one."""
    if not row["may_read"]:
        return NO_RIGHT
    if row["oid"] not in seen.values:
        return LOCKED
    return UNUSED if seen.values[row["oid"]] is None else None


def _per_day(before: tuple[datetime, int] | None, last: int | None, now: datetime) -> float | None:
    """Numbers used a day since a sample of up to a week ago; None before a day was seen, or when it was set back."""
    if before is None or last is None or now - before[0] < DAY:
        return None
    return round(abs(last - before[1]) / ((now - before[0]) / DAY), 2)


def findings(rows: Sequence[Mapping[str, Any]], slug: str, now: datetime) -> list[Finding]:
    """Sequences at 80 % or with a date within a year."""
    return [_finding(row, slug, now) for row in rows if _is_loud(row, now)]


def _is_loud(row: Mapping[str, Any], now: datetime) -> bool:
    if row["used_share"] is None or row["forecast_note"] == CYCLES:
        return False
    return row["used_share"] >= LOUD_SHARE or (row["exhausted_from"] or now + 2 * SOON) <= now + SOON


def _finding(row: Mapping[str, Any], slug: str, now: datetime) -> Finding:
    ends = row["exhausted_from"]
    is_critical = row["used_share"] >= CRITICAL_SHARE or (ends is not None and ends <= now + VERY_SOON)
    subject = f"{row['schema']}.{row['name']}"
    column = f"{row['column_table']}.{row['column_name']}" if row["column_name"] else None
    where = f"the {row['column_type']} column {column}" if column else "the sequence itself"
    when = f", between {_date(ends)} and {_date(row['exhausted_until'])} at the present rate" if ends else ""
    return Finding(
        key=f"sequence_exhaustion:{subject}",
        rule="sequence_exhaustion",
        level="critical" if is_critical else "warning",
        subject=subject,
        title=f"{percent_text(row['used_share'])} of the numbers of {row['name']} are used",
        why=f"It ends at {count_text(row['limit_value'])}, the bound of {where}{when}. Every INSERT fails then.",
        href=f"/t/{slug}/vacuum/sequences",
        remedy=_remedy(row),
        detail={"last_value": row["last_value"], "limit_value": row["limit_value"], "column": column},
    )


def _remedy(row: Mapping[str, Any]) -> Remedy:
    """Its own bound is one statement; a column's type is work that is described."""
    room = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}.get(row["column_type"], 2**63 - 1)
    if row["increment"] < 0 or row["limit_value"] >= room:
        return Remedy((), (), note=LONGER)
    name = ".".join('"' + part.replace('"', '""') + '"' for part in (row["schema"], row["name"]))
    up = f"ALTER SEQUENCE {name} AS bigint MAXVALUE {room}"
    down = f"ALTER SEQUENCE {name} AS {row['data_type']} MAXVALUE {row['max_value']}"
    return Remedy((up,), (down,), note=OWN_END)


def _date(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else "an unknown date"


COPIED = (
    "oid", "schema", "name", "data_type", "start_value", "increment", "min_value", "max_value", "is_cyclic",
    "column_schema", "column_table", "column_name", "column_type", "is_reference",
)  # fmt: skip
