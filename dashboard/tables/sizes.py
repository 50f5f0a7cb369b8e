"""Questions about some tables at a time: their sizes and texts, around everybody's locks and within a time budget."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from dashboard.tables.rows import Lock, Size, Texts
from dashboard.targets.connect import Reader, TargetRefused
from dashboard.targets.probes import Probe

BUDGET_S = 10.0
INTERRUPTED = {"55P03", "57014"}
LATE = f"not measured this time: the time budget of {BUDGET_S:.0f} s was used up"
BUSY = "not measured this time: a lock was in the way"
CHOSEN = "select set_config('pilothouse.oids', %(oids)s, true)"
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


def measure(reader: Reader, oids: Sequence[int], until: float) -> Measured:
    """Sizes of these tables; the locks are read again before each batch, because they come and go."""
    measured = Measured()
    if not oids:
        return measured
    if monotonic() >= until:
        measured.notes |= dict.fromkeys(oids, LATE)
        return measured
    locked = locks(reader)
    measured.notes |= {oid: locked[oid].note for oid in oids if oid in locked}
    free = [oid for oid in oids if oid not in locked]
    rows = _around_locks(reader, SIZES, free) if free else []
    if rows is None:
        _measure_one_by_one(reader, free, measured, until)
    else:
        measured.sizes |= _sizes(rows)
    return measured


def definitions(reader: Reader, oids: Sequence[int]) -> dict[int, Texts]:
    """Texts of these indexes; what a lock stopped is asked again the next time."""
    rows = (_around_locks(reader, DEFINITIONS, oids) or []) if oids else []
    return {row["oid"]: Texts(row["definition"], row["expressions"], row["predicate"]) for row in rows}


def about(reader: Reader, probe: Probe, oids: Sequence[int]) -> list[dict[str, Any]]:
    """The probe's answer about these objects."""
    reader.rows(CHOSEN, {"oids": ",".join(map(str, oids))})
    return reader.ask(probe)


def _measure_one_by_one(reader: Reader, oids: Sequence[int], measured: Measured, until: float) -> None:
    """A lock that came in between costs one table, not the batch."""
    locked = locks(reader)
    for oid in oids:
        if oid in locked:
            measured.notes[oid] = locked[oid].note
        elif monotonic() > until:
            measured.notes[oid] = LATE
        elif (rows := _around_locks(reader, SIZES, [oid])) is None:
            measured.notes[oid] = BUSY
        else:
            measured.sizes |= _sizes(rows)


def _around_locks(reader: Reader, probe: Probe, oids: Sequence[int]) -> list[dict[str, Any]] | None:
    """The probe's answer about these objects; None when a lock or the time limit stopped it."""
    try:
        with reader.savepoint():
            return about(reader, probe, oids)
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
