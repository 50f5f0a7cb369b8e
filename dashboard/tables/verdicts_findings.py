"""Verdicts about indexes → findings: what, why, over which window, and the remedy (pure)."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from urllib.parse import quote

from dashboard.findings.rules import Finding, Level, Remedy
from dashboard.formats import count_text, percent_text
from dashboard.names import encode
from dashboard.tables import verdicts_partitioned as partitioned
from dashboard.tables import verdicts_remedies as remedies
from dashboard.tables.rows import Index, Table
from dashboard.tables.verdicts import BUSINESS_CYCLE, Use, span_text
from dashboard.tables.verdicts_keys import (
    ForeignKey,
    coverage,
    index_name,
    is_append_only,
    is_tiny,
    rows_read_a_day,
)
from dashboard.tables.verdicts_redundant import Kind, Redundancy

WORTH_BYTES = 10 * 1024 * 1024
MUCH_LARGER = 2.0
DAY = timedelta(days=1)
RULES: dict[Kind, tuple[str, Level, str]] = {
    "duplicate": ("duplicate_index", "warning", "{a} is a duplicate of {b}"),
    "mirrored": ("duplicate_index", "warning", "{a} is {b} read backwards"),
    "shadowed": ("duplicate_index", "warning", "{a} has the same columns as the unique {b}"),
    "covered": ("covered_index", "warning", "{a} is covered by {b}"),
    "partial": ("covered_partial_index", "info", "{a} is a part of {b}"),
    "implied": ("implied_unique_index", "info", "{a} enforces what {b} already enforces"),
}
WHY: dict[Kind, str] = {
    "duplicate": "Both have the same columns in the same order, with the same operator classes and collations: every "
    "write maintains both, no query needs both.",
    "mirrored": "A b-tree is read in both directions, and every column of one descends where the other ascends.",
    "shadowed": "The unique index answers every question that this one answers, and enforces uniqueness besides.",
    "covered": "Its columns are the first columns of the other index, which answers the same questions.",
    "partial": "The other index holds all rows, so it answers the same questions; this one is smaller. It is a choice "
    "between the space and the writes of one index more.",
    "implied": "The other index already keeps fewer or the same columns unique, so no row can break this one.",
}


@dataclass(frozen=True)
class Place:
    """The target's tables as they are known, for words and addresses, and names that a new index cannot have."""

    slug: str
    tables: Mapping[int, Table]
    taken: frozenset[tuple[str, str]]

    @cached_property
    def _names(self) -> Mapping[str, set[str]]:
        names: dict[str, set[str]] = defaultdict(set)
        for schema, name in self.taken:
            names[schema].add(name)
        return names

    def names_in(self, schema: str) -> Container[str]:
        return self._names.get(schema, ())

    def partitions_of(self, table_oid: int) -> list[Table]:
        """By name, which is their order in time more often than not."""
        found = (table for table in self.tables.values() if table.parent_oid == table_oid)
        return sorted(found, key=lambda table: (table.schema, table.name))

    def href(self, schema: str, table: str) -> str:
        return f"/t/{self.slug}/tables/{quote(encode(schema, table), safe='')}"


def redundant(found: Redundancy, place: Place) -> Finding:
    a, b = found.index, found.given
    rule, level, title = RULES[found.kind]
    remedy = remedies.drop_constraint(a) if a.backs_constraint else remedies.drop_index(a)
    keeps_lookups = found.kind != "implied" or set(a.key_columns[: len(b.key_columns)]) == set(b.key_columns)
    why = [WHY[found.kind], found.choice, *_caveats(found, place.tables.get(a.table_oid))]
    if not keeps_lookups:
        why.append("Queries that look for its first column still need it: build it again without UNIQUE, or keep it.")
    return Finding(
        key=f"{rule}:{encode(a.schema, a.name)}",
        rule=rule,
        level="info" if found.kind == "covered" and (a.method != "btree" or _times(found) >= MUCH_LARGER) else level,
        subject=f"{a.schema}.{a.name}",
        title=title.format(a=a.name, b=b.name),
        why=" ".join(sentence for sentence in why if sentence),
        href=place.href(a.schema, a.table_name),
        remedy=remedy if keeps_lookups else None,
        bytes=a.size_bytes,
        detail={"kind": found.kind, "table": f"{a.schema}.{a.table_name}", "other_index": b.name,
                "definition": a.definition, "other_definition": b.definition,
                "size_bytes": a.size_bytes, "other_size_bytes": b.size_bytes},
    )  # fmt: skip


def _caveats(found: Redundancy, table: Table | None) -> list[str]:
    """What speaks for keeping a prefix: it is much smaller, or the further columns of the other one are updated."""
    a, b = found.index, found.given
    caveats = list[str]()
    if found.kind not in {"covered", "partial"}:
        return caveats
    if _times(found) >= MUCH_LARGER:
        caveats.append(
            f"The other one is {_times(found):.1f} times as large, so that the same question reads more pages: "
            "keeping both can be worth it."
        )
    further = [name for name in b.columns[len(a.columns) :] if name != "(expression)"]
    if further and table and table.rows_updated and table.rows_hot_updated is not None:
        share = percent_text(table.rows_hot_updated / table.rows_updated)
        caveats.append(
            f"Only the other one holds {', '.join(further)}: an update of that is never a HOT update while it exists "
            f"({share} of the updates of this table are HOT)."
        )
    return caveats


def _times(found: Redundancy) -> float:
    """How many times as large the other one is; 1 while a size is not known."""
    a, b = found.index.size_bytes, found.given.size_bytes
    return b / a if a and b else 1.0


def unused(index: Index, use: Use, place: Place, age: str | None = None) -> Finding:
    large = (index.size_bytes or 0) >= WORTH_BYTES
    return Finding(
        key=f"unused_index:{encode(index.schema, index.name)}",
        rule="unused_index",
        level="warning" if large else "info",
        subject=f"{index.schema}.{index.name}",
        title=f"{index.name} is not used",
        why=f"{use.why} It enforces nothing, so only its space and the writes that maintain it would end with it.",
        href=place.href(index.schema, index.table_name),
        since=use.since,
        remedy=remedies.drop_index(index),
        bytes=index.size_bytes,
        detail={"table": f"{index.schema}.{index.table_name}", "definition": index.definition,
                "scans": use.scans, "last_used_at": use.last_used_at, "age": age},
    )  # fmt: skip


def invalid(index: Index, place: Place) -> Finding:
    """Left over from a build that failed; every write maintains it, no query uses it."""
    rebuilt = bool(remedies.LEFTOVER.search(index.name))
    origin = "REINDEX CONCURRENTLY" if rebuilt else "CREATE INDEX CONCURRENTLY"
    written = "every write maintains it" if index.is_ready else "it holds its name and space"
    return Finding(
        key=f"invalid_index:{encode(index.schema, index.name)}",
        rule="invalid_index",
        level="warning",
        subject=f"{index.schema}.{index.name}",
        title=f"{index.name} is invalid",
        why=f"Left by a {origin} that did not end, and no session is building it now: {written}, no query uses it.",
        href=place.href(index.schema, index.table_name),
        remedy=remedies.repair_index(index),
        bytes=index.size_bytes,
        detail={"table": f"{index.schema}.{index.table_name}", "definition": index.definition},
    )


def incomplete(index: Index, indexes: Iterable[Index], place: Place) -> Finding:
    """An index of a partitioned table becomes valid when every partition has its part."""
    parts = {part.table_oid for part in indexes if part.parent_oid == index.oid and part.is_valid}
    partitions = place.partitions_of(index.table_oid)
    lacking = [table for table in partitions if table.oid not in parts]
    shown = ", ".join(f"{table.schema}.{table.name}" for table in lacking[:5])
    shown += f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
    return Finding(
        key=f"incomplete_index:{encode(index.schema, index.name)}",
        rule="incomplete_index",
        level="info",
        subject=f"{index.schema}.{index.name}",
        title=f"{index.name} does not hold every partition",
        why=f"Without a valid part: {shown or 'partitions of partitions'}. It is not broken: build the index there and "
        "attach it with ALTER INDEX … ATTACH PARTITION; with the last one it becomes valid.",
        href=place.href(index.schema, index.table_name),
        remedy=partitioned.completed(index, lacking, place.names_in(index.schema)),
        detail={"table": f"{index.schema}.{index.table_name}", "lacking": len(lacking), "partitions": len(partitions)},
    )


def unindexed(key: ForeignKey, indexes: Sequence[Index], place: Place, now: datetime) -> Finding | None:
    """A foreign key that makes the server read its whole table; None when it has an index or never needs one."""
    child, parent = place.tables.get(key.table_oid), place.tables.get(key.to_table_oid)
    if child is None or parent is None or child.parent_oid is not None or is_tiny(child):
        return None
    state = coverage(key, indexes)
    window = now - parent.counted_since if parent.counted_since else timedelta(0)
    if state == "covered" or (is_append_only(parent) and window >= BUSINESS_CYCLE):
        return None
    name = index_name(child.name, key.names, place.names_in(child.schema))
    columns = ", ".join(key.names)
    return Finding(
        key=f"unindexed_foreign_key:{encode(child.schema, child.name)}.{quote(key.name, safe='')}",
        rule="unindexed_foreign_key",
        level="warning" if state == "missing" and parent.rows_deleted else "info",
        subject=f"{child.schema}.{child.name}",
        title=f"{child.name} ({columns}) refers to {parent.name} without an index",
        why=_checks(key, child, parent, window, is_partly=state == "partly"),
        href=place.href(child.schema, child.name),
        since=parent.counted_since,
        remedy=_built(key, child, name, place),
        detail={"constraint": key.name, "references": f"{parent.schema}.{parent.name}", "state": state,
                "on_delete": key.on_delete, "parent_rows_deleted": parent.rows_deleted,
                "child_rows": child.row_estimate, "rows_read_a_day": rows_read_a_day(child, parent, window / DAY)},
    )  # fmt: skip


def _built(key: ForeignKey, child: Table, name: str, place: Place) -> Remedy:
    partitions = place.partitions_of(child.oid)
    if child.kind != "p" or not partitioned.can_one_by_one(partitions):
        return remedies.build_index(key, child, name)
    return partitioned.built_one_by_one(name, key.names, child, partitions, place.names_in(child.schema))


def _checks(key: ForeignKey, child: Table, parent: Table, window: timedelta, *, is_partly: bool) -> str:
    """What a delete of the parent costs, and how many there were."""
    every = f"Every delete of a row of {parent.name}, and every change of its key,"
    acts = {"cascade": " to delete what refers to it", "set null": " to set it to null"}.get(key.on_delete, "")
    rows = f"all {count_text(child.row_estimate)} rows" if child.row_estimate is not None else "all rows"
    cost = f"{every} reads {rows} of {child.name}{acts}, and so may a join from {parent.name}."
    if is_partly:
        cost = f"{every} finds rows of {child.name} by some columns of the key only{acts}: no index has all of them."
    if parent.rows_deleted is None:
        return cost
    deletes = f"{count_text(parent.rows_deleted)} delete{'' if parent.rows_deleted == 1 else 's'}"
    return f"{cost} There were {deletes} in {span_text(window)}."
