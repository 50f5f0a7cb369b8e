"""Exact sizes of a target's tables, in small batches around everybody's locks and within a time budget."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from dashboard.tables.rows import Lock, Size, Texts
from dashboard.targets.connect import Reader, TargetRefused
from dashboard.targets.probes import Probe

BATCH = 200
BUDGET_S = 10.0
INTERRUPTED = {"55P03", "57014"}
LATE = f"not measured this time: the time budget of {BUDGET_S:.0f} s was used up"
BUSY = "not measured this time: a lock was in the way"
LOCKS = Probe.read(__file__, "locks.sql")
SIZES = Probe.read(__file__, "sizes.sql")
DEFINITIONS = Probe.read(__file__, "definitions.sql")


@dataclass
class Measured:
    """Sizes by table; `notes` say why a table has none."""

    sizes: dict[int, Size] = field(default_factory=dict)
    notes: dict[int, str] = field(default_factory=dict)


def locks(reader: Reader) -> dict[int, Lock]:
    """Tables that somebody has, or waits for, an exclusive lock on."""
    return {row["oid"]: Lock(row["pid"], row["granted"], row["since"]) for row in reader.ask(LOCKS)}


def measure(reader: Reader, oids: Sequence[int], *, budget_s: float = BUDGET_S) -> Measured:
    """Sizes of these tables in their order; the locks are read again before each batch, because they come and go."""
    measured, until = Measured(), monotonic() + budget_s
    for start in range(0, len(oids), BATCH):
        if monotonic() > until:
            measured.notes |= dict.fromkeys(oids[start:], LATE)
            break
        for part in _around_locks(reader, oids[start : start + BATCH], measured):
            _measure_one_by_one(reader, part, measured, until)
    return measured


def definitions(reader: Reader, oids: Sequence[int], *, budget_s: float = BUDGET_S) -> dict[int, Texts]:
    """Texts of these indexes; what a lock or the budget stopped is asked again the next time."""
    texts: dict[int, Texts] = {}
    until = monotonic() + budget_s
    for start in range(0, len(oids), BATCH):
        if monotonic() > until:
            break
        rows = _ask_about(reader, DEFINITIONS, oids[start : start + BATCH]) or []
        texts |= {row["oid"]: Texts(row["definition"], row["expressions"], row["predicate"]) for row in rows}
    return texts


def _around_locks(reader: Reader, oids: Sequence[int], measured: Measured) -> list[Sequence[int]]:
    """Measure a batch without its locked tables; hands back what a lock that came in between stopped."""
    locked = locks(reader)
    measured.notes |= {oid: locked[oid].note for oid in oids if oid in locked}
    free = [oid for oid in oids if oid not in locked]
    rows = _ask_about(reader, SIZES, free) if free else []
    if rows is None:
        return [free]
    measured.sizes |= _sizes(rows)
    return []


def _measure_one_by_one(reader: Reader, oids: Sequence[int], measured: Measured, until: float) -> None:
    locked = locks(reader)
    for oid in oids:
        if oid in locked:
            measured.notes[oid] = locked[oid].note
        elif monotonic() > until:
            measured.notes[oid] = LATE
        elif (rows := _ask_about(reader, SIZES, [oid])) is None:
            measured.notes[oid] = BUSY
        else:
            measured.sizes |= _sizes(rows)


def _ask_about(reader: Reader, probe: Probe, oids: Sequence[int]) -> list[dict[str, Any]] | None:
    """The probe's answer about these objects; None when a lock or the time limit stopped it."""
    try:
        with reader.savepoint():
            chosen = ",".join(map(str, oids))
            reader.rows("select set_config('pilothouse.oids', %(oids)s, true)", {"oids": chosen})
            return reader.ask(probe)
    except TargetRefused as refused:
        if refused.sqlstate not in INTERRUPTED:
            raise
        return None


def _sizes(rows: Sequence[Mapping[str, Any]]) -> dict[int, Size]:
    """Rows of tables and their indexes → sizes; a table that vanished in between has none."""
    indexes: dict[int, dict[int, int]] = defaultdict(dict)
    for row in rows:
        if row["index_oid"] is not None and row["size_bytes"] is not None:
            indexes[row["table_oid"]][row["index_oid"]] = row["size_bytes"]
    return {
        row["table_oid"]: Size(row["size_bytes"], row["toast_bytes"], indexes[row["table_oid"]])
        for row in rows
        if row["index_oid"] is None and row["size_bytes"] is not None
    }
