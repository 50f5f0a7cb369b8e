"""From what a target answered to stored estimates of bloat, and what to do about one (pure)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Protocol

from dashboard.tables.bloat import PAGE, SMALL, Column, Estimate, Relation, index_bloat, table_bloat, toast_bloat

ALIGNMENTS = {"c": 1, "s": 2, "i": 4, "d": 8}
FLOOR_BYTES = 50 * 1024 * 1024
FLOOR_SHARE, RANDOM_SHARE, REWRITE_SHARE = 0.3, 0.4, 0.6
ESTIMATORS: dict[str, tuple[str, Callable[[Relation], Estimate]]] = {
    "i": ("index", index_bloat), "t": ("toast", toast_bloat),
}  # fmt: skip
Action = Literal["nothing", "unknown", "vacuum", "rewrite", "reindex"]


@dataclass(frozen=True)
class Found:
    """An estimate as it is stored; a partitioned one carries the sums over its leaves of 1 MB and more."""

    oid: int
    table_oid: int
    kind: str
    pages: int
    bloat_bytes: int | None
    bloat_share: float | None
    residue_bytes: int | None
    is_random: bool
    reason: str | None


class Stored(Protocol):
    """A row of relation_bloat, or what has its columns."""

    @property
    def kind(self) -> str: ...
    @property
    def pages(self) -> int: ...
    @property
    def bloat_bytes(self) -> int | None: ...
    @property
    def bloat_share(self) -> float | None: ...
    @property
    def residue_bytes(self) -> int | None: ...
    @property
    def is_random(self) -> bool: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def estimated_at(self) -> datetime: ...
    @property
    def measured_bytes(self) -> int | None: ...
    @property
    def measured_share(self) -> float | None: ...
    @property
    def measured_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class Verdict:
    """What counts now: the measurement while the estimate did not change after it, else the estimate."""

    bytes: int | None
    share: float | None
    is_measured: bool
    action: Action


NO_VERDICT = Verdict(None, None, is_measured=False, action="unknown")
TOO_SMALL = replace(NO_VERDICT, action="nothing")
WORDS: dict[Action, str] = {
    "nothing": "Nothing to do",
    "unknown": "Not known",
    "vacuum": "Let autovacuum run more often here",
    "rewrite": "Rewrite the table, and let autovacuum run more often",
    "reindex": "Rebuild with REINDEX INDEX CONCURRENTLY",
}


@dataclass(frozen=True)
class Line:
    """A table or b-tree on the page of its table; `reason` says why it has no estimate."""

    oid: int
    name: str
    kind: str
    size_bytes: int | None
    verdict: Verdict
    reason: str | None
    residue_bytes: int | None
    is_random: bool
    measured_at: datetime | None
    measured_by: str | None

    @property
    def words(self) -> str:
        return WORDS[self.verdict.action]


def line(oid: int, name: str, kind: str, size_bytes: int | None, row: Any | None) -> Line:
    """What is stored about a relation; nothing is, while it is small."""
    if row is None:
        is_small = size_bytes is not None and size_bytes < 128 * PAGE
        said, why = (TOO_SMALL, f"Not estimated: {SMALL}") if is_small else (NO_VERDICT, None)
        return Line(oid, name, kind, size_bytes, said, why, None, is_random=False, measured_at=None, measured_by=None)
    return Line(
        oid, name, kind, size_bytes, verdict(row), row.reason, row.residue_bytes, row.is_random, row.measured_at,
        row.measured_by,
    )  # fmt: skip


def found(rows: Iterable[Mapping[str, Any]], columns: Mapping[int, Sequence[Column]]) -> list[Found]:
    """An estimate for every table and b-tree that stores something. `columns` by the oid of their relation."""
    return [_found(row, columns) for row in rows if row["kind"] not in {"p", "I"}]


def column_of(row: Mapping[str, Any]) -> Column:
    return Column(
        number=row["number"],
        length=row["length"],
        alignment=ALIGNMENTS[row["alignment"]],
        is_plain=row["storage"] == "p",
        is_name=row["is_name"],
        is_dropped=row["is_dropped"],
        null_share=row["null_share"],
        width=row["width"],
        distinct=row["distinct"],
        correlation=row["correlation"],
    )


def relation_of(row: Mapping[str, Any], columns: Mapping[int, Sequence[Column]]) -> Relation:
    """Columns of an index have their own layout and the statistics of the table's column, but for expressions."""
    own = columns.get(row["oid"], ())
    if row["kind"] == "i":
        of_table = {column.number: column for column in columns.get(row["table_oid"], ())}
        pairs = zip(own, row["keys"], strict=False)
        own = [_with_statistics(column, of_table.get(number)) if number else column for column, number in pairs]
    return Relation(
        pages=row["pages"],
        rows=row["rows"],
        columns=own,
        fillfactor=int(option(row["options"], "fillfactor") or (90 if row["kind"] == "i" else 100)),
        table_rows=row["table_rows"],
        modified=row["modified"],
        may_read=row["may_read"],
        is_hidden=row["is_hidden"],
        is_heap=row["method"] in {"heap", "btree"},
        is_unique=row["is_unique"],
        is_partial=row["is_partial"],
        pages_now=row.get("pages_now"),
        can_deduplicate=row["can_deduplicate"] and option(row["options"], "deduplicate_items") not in {"off", "false"},
    )


def option(options: Iterable[str], name: str) -> str | None:
    """The value of a storage option written as name=value."""
    return next((value for key, _, value in (text.partition("=") for text in options) if key == name), None)


def folded(leaves: Sequence[Found], rows: Sequence[Mapping[str, Any]]) -> list[Found]:
    """The leaves, and every partitioned table and index with the sums over what lies below it."""
    parents = {row["oid"]: row["parent_oid"] for row in rows}
    below: dict[int, list[Found]] = defaultdict(list)
    for leaf in leaves:
        ancestor = parents.get(leaf.oid)
        while ancestor is not None:
            below[ancestor].append(leaf)
            ancestor = parents.get(ancestor)
    frames = {row["oid"]: row for row in rows if row["kind"] in {"p", "I"}}
    return [*leaves, *(_sum(frames[oid], parts) for oid, parts in below.items() if oid in frames)]


def verdict(row: Stored) -> Verdict:
    """What a relation's bloat is, and what to do: nothing below 50 MB and 30 % (40 % of a b-tree of random keys)."""
    is_measured = row.measured_at is not None and row.measured_at >= row.estimated_at
    free, share = (row.measured_bytes, row.measured_share) if is_measured else (row.bloat_bytes, row.bloat_share)
    return Verdict(free, share, is_measured, _action(row, free, share))


def _action(row: Stored, free: int | None, share: float | None) -> Action:
    if row.residue_bytes and _is_worth(row.residue_bytes, row.residue_bytes / (row.pages * PAGE), FLOOR_SHARE):
        return "rewrite"
    if free is None or share is None:
        return "unknown"
    if row.kind == "index":
        return "reindex" if _is_worth(free, share, RANDOM_SHARE if row.is_random else FLOOR_SHARE) else "nothing"
    if not _is_worth(free, share, FLOOR_SHARE):
        return "nothing"
    return "rewrite" if share >= REWRITE_SHARE else "vacuum"


def _is_worth(free: int, share: float, floor: float) -> bool:
    return free >= FLOOR_BYTES and share >= floor


def _found(row: Mapping[str, Any], columns: Mapping[int, Sequence[Column]]) -> Found:
    relation = relation_of(row, columns)
    kind, estimated = ESTIMATORS.get(row["kind"], ("table", table_bloat))
    estimate = estimated(relation)
    return Found(
        oid=row["oid"],
        table_oid=row["table_oid"],
        kind=kind,
        pages=row["pages"],
        bloat_bytes=estimate.bytes,
        bloat_share=None if estimate.share is None else round(estimate.share, 4),
        residue_bytes=estimate.residue_bytes,
        is_random=estimate.is_random,
        reason=estimate.reason,
    )


def _with_statistics(column: Column, of_table: Column | None) -> Column:
    if of_table is None:
        return column
    return replace(
        column,
        is_name=column.is_name or of_table.is_name,
        null_share=of_table.null_share,
        width=of_table.width,
        distinct=of_table.distinct,
        correlation=of_table.correlation,
    )


def _sum(frame: Mapping[str, Any], parts: Sequence[Found]) -> Found:
    known = [part for part in parts if part.bloat_bytes is not None]
    free, pages = sum(part.bloat_bytes or 0 for part in known), sum(part.pages for part in known)
    residues = [part.residue_bytes for part in parts if part.residue_bytes is not None]
    unknown = [part.reason for part in parts if part.reason]
    return Found(
        oid=frame["oid"],
        table_oid=frame["table_oid"],
        kind="index" if frame["kind"] == "I" else "table",
        pages=sum(part.pages for part in parts),
        bloat_bytes=free if known else None,
        bloat_share=round(free / (pages * PAGE), 4) if pages else None,
        residue_bytes=sum(residues) if residues else None,
        is_random=any(part.is_random for part in parts),
        reason=f"{len(unknown)} of {len(parts)} partitions: {unknown[0]}" if unknown else None,
    )
