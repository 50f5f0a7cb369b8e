"""Questions about some tables at a time: their sizes and texts, around everybody's locks and within a time budget."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

from dashboard.tables.rows import Lock, Size
from dashboard.targets.connect import Reader, TargetRefused
from dashboard.targets.probes import Probe

Answer = TypeVar("Answer")
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
    rows = _sizes_of(reader, free) if free else []
    if rows is None:
        _measure_one_by_one(reader, free, measured, until)
    else:
        measured.sizes |= _sizes(rows)
    return measured


def definitions(reader: Reader, oids: Sequence[int]) -> dict[int, bytes]:
    """Definition, expressions and predicate of these indexes, as COPY writes them; without what a lock stopped."""
    lines = (_around_locks(reader, oids, lambda: reader.ask_lines(DEFINITIONS)) or []) if oids else []
    return {int(oid): texts for oid, texts in (line.split(b"\t", 1) for line in lines)}


def about(reader: Reader, probe: Probe, oids: Sequence[int]) -> list[bytes]:
    """The probe's answer about these objects, in lines."""
    _choose(reader, oids)
    return reader.ask_lines(probe)


def _measure_one_by_one(reader: Reader, oids: Sequence[int], measured: Measured, until: float) -> None:
    """A lock that came in between costs one table, not the batch."""
    locked = locks(reader)
    for oid in oids:
        if oid in locked:
            measured.notes[oid] = locked[oid].note
        elif monotonic() > until:
            measured.notes[oid] = LATE
        elif (rows := _sizes_of(reader, [oid])) is None:
            measured.notes[oid] = BUSY
        else:
            measured.sizes |= _sizes(rows)


def _choose(reader: Reader, oids: Sequence[int]) -> None:
    reader.rows(CHOSEN, {"oids": ",".join(map(str, oids))})


def _sizes_of(reader: Reader, oids: Sequence[int]) -> list[tuple[Any, ...]] | None:
    return _around_locks(reader, oids, lambda: reader.ask_numbers(SIZES))


def _around_locks(reader: Reader, oids: Sequence[int], question: Callable[[], Answer]) -> Answer | None:
    """What the question tells of these objects; None when a lock or the time limit stopped it."""
    try:
        with reader.savepoint():
            _choose(reader, oids)
            return question()
    except TargetRefused as refused:
        if refused.sqlstate not in INTERRUPTED:
            raise
        return None


def _sizes(rows: Iterable[tuple[Any, ...]]) -> dict[int, Size]:
    """Rows of tables and their indexes → sizes; a table that vanished in between has none."""
    tables = dict[int, tuple[int, int]]()
    indexes: dict[int, dict[int, int]] = defaultdict(dict)
    for table, index, size, toast in rows:
        if size is not None and index is None:
            tables[table] = size, toast
        elif size is not None:
            indexes[table][index] = size
    return {table: Size(*sizes, indexes[table]) for table, sizes in tables.items()}
