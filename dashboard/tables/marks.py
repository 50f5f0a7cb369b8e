"""What a collection tells the change lane: rewrites, index builds, ANALYZE, counters that began anew (pure)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from dashboard.formats import bytes_text
from dashboard.tables.records import IndexRecord, Known, TableRecord
from dashboard.tables.rules import Now

LARGE_BYTES = 10 * 1024 * 1024
EMPTY_BYTES = 64 * 1024
MOST_OF_A_KIND = 3
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Mark:
    """`is_exact`: the server told when; else it happened at some time since the collection before."""

    kind: str
    title: str
    subject: str
    at: datetime
    key: str
    detail: dict[str, Any]
    is_exact: bool = False


@dataclass
class Lane:
    """Pairs of before and after that may be worth a mark, gathered over one collection.

    Counters of many tables begin anew together when the whole server's do: that mark is the server's to make.
    """

    rewritten: list[tuple[TableRecord, TableRecord]] = field(default_factory=list)
    analyzed: list[TableRecord] = field(default_factory=list)
    restarted: list[TableRecord] = field(default_factory=list)
    built: list[IndexRecord] = field(default_factory=list)
    rebuilt: list[IndexRecord] = field(default_factory=list)
    broken: list[IndexRecord] = field(default_factory=list)
    dropped: list[IndexRecord] = field(default_factory=list)

    def see_tables(self, records: Iterable[TableRecord], old: Mapping[int, TableRecord], now: Now) -> None:
        """A fall of counters counts only where the server does not tell it: its resets have marks of their own."""
        for row in records:
            before = old.get(row.oid)
            if before is None or row.kind == "p":
                continue
            if before.relfilenode and row.relfilenode and before.relfilenode != row.relfilenode:
                self.rewritten.append((before, row))
            if is_analyzed(before, row):
                self.analyzed.append(row)
            if row.counted_since == now.slot:
                self.restarted.append(row)

    def see_indexes(self, records: Iterable[IndexRecord], old: Mapping[int, IndexRecord], known: Known) -> None:
        """Indexes of new tables came with them; a partition's are told by their parent."""
        for row in records:
            before = old.get(row.oid)
            if row.parent_oid is not None or row.table_oid not in known.tables:
                continue
            if row.is_valid and (before is None or not before.is_valid):
                self.built.append(row)
            elif before is not None and before.is_valid and not row.is_valid:
                self.broken.append(row)
            elif before is not None and before.relfilenode and before.relfilenode != row.relfilenode:
                self.rebuilt.append(row)

    def lose_indexes(self, gone: Iterable[IndexRecord], gone_tables: Iterable[int]) -> None:
        lost = set(gone_tables)
        self.dropped += [row for row in gone if row.table_oid not in lost and row.parent_oid is None and row.is_valid]

    def marks(self, now: Now) -> list[Mark]:
        """At most a few marks of each kind; more become one that counts them."""
        rewritten = {after.oid for _, after in self.rewritten}
        dropped = {(row.table_oid, row.name) for row in self.dropped}
        again = [row for row in self.built if (row.table_oid, row.name) in dropped]
        built = [row for row in self.built if row not in again]
        names = {(row.table_oid, row.name) for row in again}
        lost = [row for row in self.dropped if (row.table_oid, row.name) not in names]
        rebuilt = [row for row in [*self.rebuilt, *again] if row.table_oid not in rewritten]
        return [
            *_few(self.rewritten, lambda pair: _rewrite(*pair, now), "rewrite", "{} tables were rewritten", now),
            *_few(built, lambda row: _index(row, "built", now), "index", "{} indexes were built", now),
            *_few(rebuilt, lambda row: _index(row, "rebuilt", now), "index", "{} indexes were rebuilt", now),
            *_few(self.broken, lambda row: _index(row, "left invalid", now), "index", "{} indexes became invalid", now),
            *_few(lost, lambda row: _index(row, "dropped", now), "index", "{} indexes were dropped", now),
            *_few(self.analyzed, _analyze, "analyze", "{} tables were analyzed", now),
            *(_reset(row, now) for row in self.restarted if len(self.restarted) <= MOST_OF_A_KIND),
        ]


def is_analyzed(before: TableRecord, after: TableRecord) -> bool:
    """By hand always; by autovacuum only a table whose plans matter, or the lane would be full of it."""
    if after.last_analyze_at is None or after.last_analyze_at == before.last_analyze_at:
        return False
    by_hand = after.last_analyze_at != after.last_autoanalyze_at
    return by_hand or (after.total_bytes or 0) >= LARGE_BYTES


def _rewrite(before: TableRecord, after: TableRecord, now: Now) -> Mark:
    return Mark(
        kind="rewrite",
        title=_rewrite_title(before, after),
        subject=after.full_name,
        at=now.slot,
        key=f"rewrite:{after.oid}:{after.relfilenode}",
        detail={"before_bytes": before.total_bytes, "after_bytes": None if after.size_note else after.total_bytes},
    )


def _rewrite_title(before: TableRecord, after: TableRecord) -> str:
    if after.size_note or after.heap_bytes is None or before.total_bytes is None:
        return f"{after.full_name} was rewritten or truncated"
    if after.heap_bytes <= EMPTY_BYTES < (before.heap_bytes or 0):
        return f"{after.full_name} was truncated: {bytes_text(before.total_bytes)} less"
    verb = "refreshed" if after.kind == "m" else "rewritten"
    return f"{after.full_name} was {verb}: {bytes_text(before.total_bytes)} → {bytes_text(after.total_bytes)}"


def _index(row: IndexRecord, verb: str, now: Now) -> Mark:
    size = f", {bytes_text(row.size_bytes)}" if row.size_bytes is not None and verb in {"built", "rebuilt"} else ""
    return Mark(
        kind="index",
        title=f"Index {row.name} on {row.schema}.{row.table_name} was {verb}{size}",
        subject=f"{row.schema}.{row.table_name}",
        at=now.slot,
        key=f"index:{verb}:{row.oid}:{row.relfilenode}:{int(now.slot.timestamp()) // 86_400}",
        detail={"index": row.name, "definition": row.definition, "size_bytes": row.size_bytes},
    )


def _analyze(row: TableRecord) -> Mark:
    at = row.last_analyze_at
    assert at is not None  # noqa: S101 - it is what made the mark
    who = "autovacuum" if at == row.last_autoanalyze_at else "ANALYZE"
    return Mark(
        kind="analyze",
        title=f"Statistics of {row.full_name} were gathered by {who}",
        subject=row.full_name,
        at=at,
        key=f"analyze:{row.oid}:{at:%Y%m%d%H}",
        detail={"row_estimate": row.row_estimate},
        is_exact=True,
    )


def _reset(row: TableRecord, now: Now) -> Mark:
    key = f"reset:{row.oid}:{int(now.slot.timestamp())}"
    return Mark("reset", f"Counters of {row.full_name} began anew", row.full_name, now.slot, key, {})


def _few(things: Sequence[Thing], make: Callable[[Thing], Mark], kind: str, title: str, now: Now) -> list[Mark]:
    marks = [make(thing) for thing in things]
    if len(marks) <= MOST_OF_A_KIND:
        return marks
    subjects = sorted({mark.subject for mark in marks})
    words = title.format(len(marks))
    key = f"{kind}:{words}:{int(now.slot.timestamp())}"
    return [Mark(kind, words, subjects[0], now.slot, key, {"tables": subjects[:50]})]
