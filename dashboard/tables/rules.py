"""What a collection makes of the answers of a target: rows of tables and indexes, samples, growth (pure)."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from dashboard.formats import duration_text
from dashboard.tables.partitions import folded_indexes, folded_tables, total
from dashboard.tables.rows import COUNTERS, Index, Known, Seen, Size, SizeAt, Table, Texts

PAGE_BYTES = 8192
SAMPLE_AT_LEAST_EVERY = timedelta(hours=24)
GROWTH_SPAN = timedelta(hours=24)
GROWTH_TOLERANCE = timedelta(minutes=10)
STEP_AFTER = timedelta(minutes=15)
AS_TOLD = ("pages", "tuples", "relfilenode", "options", "last_autovacuum_at", "last_autoanalyze_at")
RISING = ("rows_inserted", "rows_updated", "rows_deleted", "sequential_scans")


def row_estimate(*, tuples: float, pages: int, live_rows: int, is_analyzed: bool, heap_bytes: int | None) -> int | None:
    """Rows of a table without counting them; None when nothing says how many.

    The server's running count is anchored by an ANALYZE or VACUUM since counters began; otherwise the density
    of the last ANALYZE times today's pages, as the planner does; otherwise what was counted since the table was made.
    """
    if is_analyzed:
        return live_rows
    if tuples >= 0:
        pages_now = pages if heap_bytes is None else heap_bytes // PAGE_BYTES
        return round(tuples * pages_now / pages) if pages else round(tuples)
    if live_rows > 0:
        return live_rows
    return 0 if heap_bytes == 0 else None


def evidence_start(
    server: datetime | None, known: datetime | None, *, is_new: bool, has_fallen: bool, as_of: datetime | None,
    slot: datetime,
) -> datetime | None:  # fmt: skip
    """Since when counters of an object count.

    A fall proves a reset that no timestamp tells; an object that appeared between two collections is no older
    than the first of them.
    """
    if has_fallen:
        return slot
    bounds = [server, known, as_of if is_new else None]
    return max((bound for bound in bounds if bound is not None), default=None)


def table_rows(seen: Seen, known: Known) -> list[Table]:
    """All tables as they are now, partitioned ones with the sums of their leaves."""
    index_scans = _index_scans(seen.indexes)
    rows = {row["oid"]: _table(row, index_scans.get(row["oid"]), seen, known) for row in seen.tables}
    return [_sampled(_grown(row, known), known.tables.get(row.oid), seen.slot) for row in folded_tables(rows)]


def index_rows(seen: Seen, known: Known) -> list[Index]:
    """All indexes as they are now, those of partitioned tables with the sums of their parts."""
    sizes = {oid: size for table in seen.sizes.values() for oid, size in table.indexes.items()}
    rows = {row["oid"]: _index(row, sizes, seen, known) for row in seen.indexes}
    return folded_indexes(rows)


def new_samples(rows: Iterable[Table], slot: datetime) -> list[Table]:
    """The tables whose sizes are to be written down for this slot."""
    return [row for row in rows if row.sampled_at == slot]


def undefined(rows: Iterable[Index], known: Known, locked: Collection[int]) -> list[int]:
    """Indexes whose definition has to be asked for: new or changed ones of tables that nobody locks."""
    return [
        row.oid
        for row in rows
        if row.table_oid not in locked
        and (row.definition is None or known.indexes.get(row.oid, row).shape != row.shape)
    ]


def _table(row: Mapping[str, Any], index_scans: int | None, seen: Seen, known: Known) -> Table:
    oid, old = row["oid"], known.tables.get(row["oid"])
    heap, toast, indexes = _sizes(seen.sizes.get(oid), old)
    is_stale = oid in seen.notes and old is not None and heap is not None
    return Table(
        oid=oid,
        schema=row["schema"],
        name=row["name"],
        kind=row["kind"],
        parent_oid=row["parent_oid"],
        partition_count=0,
        heap_bytes=heap,
        toast_bytes=toast,
        index_bytes=indexes,
        total_bytes=total(heap, toast, indexes),
        sized_at=(old.sized_at or known.as_of) if is_stale and old else None,
        size_note=seen.notes.get(oid),
        sampled_at=old.sampled_at if old else None,
        growth_24h_bytes=None,
        row_estimate=_estimate(row, None if is_stale else heap),
        **{name: row[name] for name in COUNTERS if name != "index_scans"},
        index_scans=index_scans,
        last_scan_at=row["last_sequential_scan_at"],
        last_vacuum_at=row["last_vacuum_at"],
        last_analyze_at=row["last_analyze_at"],
        counted_since=_counted_since(row, old, seen, known),
        **{name: row[name] for name in AS_TOLD},
    )


def _estimate(row: Mapping[str, Any], heap_bytes: int | None) -> int | None:
    return row_estimate(
        tuples=row["tuples"],
        pages=row["pages"],
        live_rows=row["live_rows"],
        is_analyzed=bool(row["last_vacuum_at"] or row["last_analyze_at"]),
        heap_bytes=heap_bytes,
    )


def _counted_since(row: Mapping[str, Any], old: Table | None, seen: Seen, known: Known) -> datetime | None:
    return evidence_start(
        seen.counted_since,
        old.counted_since if old else None,
        is_new=old is None and known.as_of is not None,
        has_fallen=old is not None and any(row[name] < (getattr(old, name) or 0) for name in RISING),
        as_of=known.as_of,
        slot=seen.slot,
    )


def _index(row: Mapping[str, Any], sizes: Mapping[int, int], seen: Seen, known: Known) -> Index:
    old = known.indexes.get(row["oid"])
    return Index(
        **row,
        definition=old.definition if old else None,
        expressions=old.expressions if old else None,
        predicate=old.predicate if old else None,
        size_bytes=sizes.get(row["oid"], old.size_bytes if old else None),
        first_seen_at=old.first_seen_at if old else seen.slot,
        counted_since=evidence_start(
            seen.counted_since,
            old.counted_since if old else None,
            is_new=old is None and known.as_of is not None,
            has_fallen=old is not None and row["scans"] < (old.scans or 0) and row["kind"] == "i",
            as_of=known.as_of,
            slot=seen.slot,
        ),
    )


def _sizes(measured: Size | None, old: Table | None) -> tuple[int | None, int | None, int | None]:
    """Measured now, else as last known."""
    if measured is None:
        return old.sizes if old else (None, None, None)
    return measured.heap_bytes, measured.toast_bytes, sum(measured.indexes.values())


def _index_scans(indexes: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    scans: dict[int, int] = defaultdict(int)
    for row in indexes:
        scans[row["table_oid"]] += row["scans"]
    return scans


def _grown(row: Table, known: Known) -> Table:
    """With its growth since a day ago, when both ends were measured."""
    before = known.totals_a_day_ago.get(row.oid)
    if before is None or row.total_bytes is None or row.size_note:
        return row
    return replace(row, growth_24h_bytes=row.total_bytes - before)


def _sampled(row: Table, old: Table | None, slot: datetime) -> Table:
    """Marked with this slot when its sizes are new, or written down for the last time a day ago."""
    if row.size_note or row.total_bytes is None:
        return row
    is_due = old is None or old.sampled_at is None or slot - old.sampled_at >= SAMPLE_AT_LEAST_EVERY
    return replace(row, sampled_at=slot) if is_due or (old and old.sizes != row.sizes) else row


def defined(rows: Iterable[Index], texts: Mapping[int, Texts]) -> list[Index]:
    """The same indexes with the texts that were just read."""
    return [replace(row, **vars(texts[row.oid])) if row.oid in texts else row for row in rows]


def shortfall(seen: Seen) -> str:
    """What a collection could not measure, in a sentence."""
    count = len(seen.notes)
    names = [row["name"] for row in seen.tables if row["oid"] in seen.notes]
    shown = ", ".join(names[:3]) + (f" and {count - 3} more" if count > 3 else "")
    return f"{count} of {len(seen.tables)} tables could not be measured and show their last known size: {shown}."


def use_words(scans: int | None, counted_since: datetime | None, first_seen_at: datetime, now: datetime) -> str:
    """How often an index was used, never without the time that the answer speaks about."""
    if scans is None:
        return "use unknown"
    if scans:
        return f"counted for {duration_text(now - counted_since)}" if counted_since else "since an unknown time"
    watched_since = max(counted_since or first_seen_at, first_seen_at)
    return f"none seen in {duration_text(now - watched_since)}"


def size_lines(
    sizes: Sequence[SizeAt], since: datetime, until: datetime
) -> list[tuple[str, list[tuple[datetime, float]]]]:
    """Total, heap, TOAST and indexes as steps: a size holds until the next one that was written."""
    inside = [size for size in sizes if size.at >= since]
    before = [size for size in sizes if size.at < since][-1:]
    held = [*(replace(size, at=since) for size in before), *inside]
    steps = [step for size, following in zip(held, [*held[1:], None], strict=True) for step in _step(size, following)]
    if held:
        steps.append(replace(held[-1], at=until))
    return [
        ("Total", [(size.at, float(size.heap_bytes + size.toast_bytes + size.index_bytes)) for size in steps]),
        ("Heap", [(size.at, float(size.heap_bytes)) for size in steps]),
        ("TOAST", [(size.at, float(size.toast_bytes)) for size in steps]),
        ("Indexes", [(size.at, float(size.index_bytes)) for size in steps]),
    ]


def _step(size: SizeAt, following: SizeAt | None) -> list[SizeAt]:
    """The size, and once more just before the next: sizes are written when they change, not on a slope."""
    if following is None or following.at - size.at < STEP_AFTER:
        return [size]
    return [size, replace(size, at=following.at - timedelta(seconds=1))]
