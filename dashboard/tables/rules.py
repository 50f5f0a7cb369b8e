"""What a collection makes of the answers of a target: which tables to measure, and their rows (pure)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from dashboard.tables.lines import NO_TEXTS, SHAPE, IndexLine, moment, number, texts
from dashboard.tables.records import IndexRecord, IndexTrace, Known, TableRecord, digest, digest_of
from dashboard.tables.rows import Size

PAGE_BYTES = 8192
ROUND = 12
LARGEST = 200
AS_TOLD = (
    "dead_rows", "rows_inserted", "rows_updated", "rows_deleted", "sequential_scans", "rows_hot_updated",
    "modified_since_analyze", "inserted_since_vacuum", "last_vacuum_at", "last_analyze_at", "last_autovacuum_at",
    "last_autoanalyze_at", "pages", "tuples", "relfilenode", "options",
)  # fmt: skip
RISING = ("rows_inserted", "rows_updated", "rows_deleted", "sequential_scans")
WRITTEN = (
    "rows_inserted", "rows_updated", "rows_deleted", "rows_hot_updated", "pages", "relfilenode", "toast_oid",
    "last_vacuum_at", "last_autovacuum_at", "last_analyze_at",
)  # fmt: skip
FOLDED = {
    "partition_count", "heap_bytes", "toast_bytes", "index_bytes", "total_bytes", "sized_at", "size_note", "sampled_at",
    "resized_at", "row_estimate", "dead_rows", "rows_inserted", "rows_updated", "rows_deleted", "sequential_scans",
    "index_scans", "last_scan_at", "last_vacuum_at", "last_analyze_at", "counted_since", "pages", "rows_hot_updated",
    "modified_since_analyze", "inserted_since_vacuum", "last_autovacuum_at", "last_autoanalyze_at",
}  # fmt: skip
FOLDED_OF_INDEXES = {"size_bytes", "scans", "rows_read", "last_scan_at", "counted_since", "pages", "sampled_at"}
Row = Mapping[str, Any]


class Now(NamedTuple):
    """What all rows of a collection share: its time, since when the server counts, when the store last heard."""

    slot: datetime
    counted_since: datetime | None
    as_of: datetime | None


class Found(NamedTuple):
    """What was found out about a table besides its row: a size or why there is none, scans of its indexes, digests."""

    size: Size | None
    note: str | None
    scans: int | None
    digest: int
    write_digest: int


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


def write_digest(row: Row, indexes: Iterable[IndexLine]) -> int:
    """Changes whenever the files of a table or of its indexes may have changed their size."""
    return digest((*(row[name] for name in WRITTEN), *((one.oid, one.relfilenode) for one in indexes)))


def is_due(row: Row, written: int, known: Known, *, is_busy: bool, is_large: bool, turn: int) -> bool:
    """Whether a table has to be measured: as long as nothing was written to it, its files keep their sizes.

    `is_busy`: somebody writes to it right now, and counters follow at the end of a transaction. Every table has its
    turn once in twelve collections in any case.
    """
    if row["kind"] == "p":
        return False
    trace = known.tables.get(row["oid"])
    if trace is None or not trace.is_sized or trace.write_digest != written:
        return True
    return is_busy or is_large or row["oid"] % ROUND == turn % ROUND


def table_record(row: Row, old: TableRecord | None, found: Found, now: Now) -> TableRecord:
    """A table as it is now. A partitioned one keeps the sums that it had until those of its parts are made anew."""
    heap, toast, indexes = sizes = _sizes(found.size, old)
    is_stale = found.note is not None and old is not None and heap is not None
    has_changed = heap is not None and not found.note and (old is None or old.sizes != sizes)
    made = TableRecord(
        oid=row["oid"],
        schema=row["schema"],
        name=row["name"],
        kind=row["kind"],
        parent_oid=row["parent_oid"],
        partition_count=0,
        heap_bytes=heap,
        toast_bytes=toast,
        index_bytes=indexes,
        total_bytes=None if heap is None or toast is None or indexes is None else heap + toast + indexes,
        sized_at=(old.sized_at or now.as_of) if is_stale and old else None,
        size_note=found.note,
        sampled_at=now.slot if has_changed else old.sampled_at if old else None,
        resized_at=now.slot if has_changed else old.resized_at if old else None,
        first_seen_at=old.first_seen_at if old else now.slot,
        row_estimate=_estimate(row, None if is_stale else heap),
        index_scans=found.scans,
        last_scan_at=row["last_sequential_scan_at"],
        counted_since=_counted_since(row, old, now),
        digest=found.digest,
        write_digest=found.write_digest,
        **{name: row[name] for name in AS_TOLD},
    )
    return made if old is None or row["kind"] != "p" else _with_sums(made, old, FOLDED)


def table_digest(row: Row, scans: int | None, note: str | None, now: Now) -> int:
    return digest((*row.values(), scans, note, now.counted_since))


def index_record(
    one: IndexLine, old: IndexRecord | None, size: int | None, text: bytes | None, now: Now, told: int
) -> IndexRecord:
    """An index as it is now; one whose texts are not known yet is looked at again the next time."""
    known_size, definition = (old.size_bytes, old.definition) if old else (None, None)
    added = (
        *(texts(text) if text or not old else (definition, old.expressions, old.predicate)),
        known_size if size is None else size,
        old.first_seen_at if old else now.slot,
        _index_counted_since(one, old, now),
        now.slot if size is not None and size != known_size else old.sampled_at if old else None,
        told if text or definition else 0,
    )
    made = IndexRecord._make((*one.values(), *added))
    return made if old is None or made.kind != "I" else _with_sums(made, old, FOLDED_OF_INDEXES)


def new_indexes(
    target_id: int, rows: Iterable[IndexLine], sizes: Mapping[int, int], texts: Mapping[int, bytes], now: Now,
    told: Mapping[int, int],
) -> Iterator[bytes]:  # fmt: skip
    """Lines to be copied in of indexes that nobody knows yet: what index_record makes of them, unread."""
    owner, seen_at, unsized = number(target_id), moment(now.slot), number(None)
    since = moment(_index_counted_since(None, None, now))
    for one in rows:
        text, size = texts.get(one.oid), sizes.get(one.oid)
        sampled_at, known = seen_at if size is not None else unsized, told[one.oid] if text else 0
        added = text or NO_TEXTS, number(size), seen_at, since, sampled_at, number(known)
        yield b"\t".join((owner, one.line, *added))


def index_digests(rows: Iterable[IndexLine], now: Now) -> dict[int, int]:
    since = moment(now.counted_since)
    return {one.oid: digest_of(one.line + since) for one in rows}


def has_changed(trace: IndexTrace | None, told: int, size: int | None) -> bool:
    return trace is None or trace.digest != told or size not in (None, trace.size_bytes)


def undefined(rows: Iterable[IndexLine], old: Mapping[int, IndexRecord], locked: Collection[int]) -> list[int]:
    """Indexes whose texts have to be asked for: new or changed ones of tables that nobody locks."""
    return [one.oid for one in rows if one.table_oid not in locked and _is_undefined(one, old.get(one.oid))]


def _is_undefined(one: IndexLine, old: IndexRecord | None) -> bool:
    return old is None or old.definition is None or one.shape() != [old[place] for place in SHAPE]


def _index_counted_since(one: IndexLine | None, old: IndexRecord | None, now: Now) -> datetime | None:
    return evidence_start(
        now.counted_since,
        old.counted_since if old else None,
        is_new=old is None and now.as_of is not None,
        has_fallen=one is not None and old is not None and one.scans < (old.scans or 0) and old.kind == "i",
        as_of=now.as_of,
        slot=now.slot,
    )


def shortfall(names: Sequence[str], of: int) -> str:
    """What a collection could not measure, in a sentence."""
    count = len(names)
    shown = ", ".join(names[:3]) + (f" and {count - 3} more" if count > 3 else "")
    return f"{count} of {of} tables could not be measured and show their last known size: {shown}."


def _with_sums(made: Any, old: Any, names: Iterable[str]) -> Any:
    return made._replace(**{name: getattr(old, name) for name in names})


def _estimate(row: Row, heap_bytes: int | None) -> int | None:
    return row_estimate(
        tuples=row["tuples"],
        pages=row["pages"],
        live_rows=row["live_rows"],
        is_analyzed=bool(row["last_vacuum_at"] or row["last_analyze_at"]),
        heap_bytes=heap_bytes,
    )


def _counted_since(row: Row, old: TableRecord | None, now: Now) -> datetime | None:
    return evidence_start(
        now.counted_since,
        old.counted_since if old else None,
        is_new=old is None and now.as_of is not None,
        has_fallen=old is not None and has_fallen(row, old),
        as_of=now.as_of,
        slot=now.slot,
    )


def has_fallen(row: Row, old: TableRecord) -> bool:
    """Whether a counter that only rises stands lower than before: it began anew."""
    return any(row[name] < (getattr(old, name) or 0) for name in RISING)


def _sizes(measured: Size | None, old: TableRecord | None) -> tuple[int | None, int | None, int | None]:
    """Measured now, else as last known."""
    if measured is None:
        return old.sizes if old else (None, None, None)
    return measured.heap_bytes, measured.toast_bytes, sum(measured.indexes.values())
