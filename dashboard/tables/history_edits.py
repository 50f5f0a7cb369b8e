"""Writes the history of sizes after a collection: sums of partitions, samples, the reading itself, growth."""

from datetime import datetime

from sqlalchemy import text

from dashboard.store import db
from dashboard.tables.growth import HEARTBEAT, LOOKBACK, SPANS, due_spans, oldest_evidence
from dashboard.targets.models import Target

BRANCHES = """
with recursive branch (ancestor, oid, kind) as (
    select s.parent_oid, s.oid, s.kind
    from {table} s
    where
        s.target_id = :target_id
        and s.parent_oid is not null
    union
    select p.parent_oid, b.oid, b.kind
    from branch b
    join {table} p
        on p.target_id = :target_id
        and p.oid = b.ancestor
    where p.parent_oid is not null
)
"""
COUNTERS = (
    "dead_rows", "rows_inserted", "rows_updated", "rows_deleted", "sequential_scans", "index_scans", "rows_hot_updated",
    "modified_since_analyze", "inserted_since_vacuum", "pages",
)  # fmt: skip
LATEST = ("last_scan_at", "last_vacuum_at", "last_analyze_at", "last_autovacuum_at", "last_autoanalyze_at")
TABLE_SUMS = {
    "partition_count": "count(l.oid)",
    "heap_bytes": "coalesce(sum(l.heap_bytes), case when count(l.oid) = 0 then 0 end)",
    "toast_bytes": "coalesce(sum(l.toast_bytes), case when count(l.oid) = 0 then 0 end)",
    "index_bytes": "coalesce(sum(l.index_bytes), case when count(l.oid) = 0 then 0 end)",
    "total_bytes": "coalesce(sum(l.total_bytes), case when count(l.oid) = 0 then 0 end)",
    "sized_at": "min(l.sized_at)",
    "size_note": """case when count(l.size_note) > 0
        then format('%s of %s partitions: %s', count(l.size_note), count(l.oid), min(l.size_note)) end""",
    "row_estimate": "case when count(l.oid) = count(l.row_estimate) then coalesce(sum(l.row_estimate), 0) end",
    "counted_since": "min(l.counted_since)",
    **{name: f"coalesce(sum(l.{name}), case when count(l.oid) = 0 then 0 end)" for name in COUNTERS},
    **{name: f"max(l.{name})" for name in LATEST},
}
INDEX_SUMS = {
    "size_bytes": "coalesce(sum(l.size_bytes), case when count(l.oid) = 0 then 0 end)",
    "scans": "coalesce(sum(l.scans), case when count(l.oid) = 0 then 0 end)",
    "rows_read": "coalesce(sum(l.rows_read), case when count(l.oid) = 0 then 0 end)",
    "pages": "coalesce(sum(l.pages), case when count(l.oid) = 0 then 0 end)",
    "last_scan_at": "max(l.last_scan_at)",
    "counted_since": "min(l.counted_since)",
}
TABLE_SIZES = "p.heap_bytes, p.toast_bytes, p.index_bytes"
NEW_SIZES = "f.heap_bytes, f.toast_bytes, f.index_bytes"
RESIZED = (
    f"case when f.size_note is null and ({TABLE_SIZES}) is distinct from ({NEW_SIZES}) then :slot else p.{{0}} end"
)

AGAIN_TABLES = """
update table_state
set sampled_at = :slot
where
    target_id = :target_id
    and sampled_at < :before
    and total_bytes is not null
    and size_note is null
"""
AGAIN_INDEXES = """
update index_state
set sampled_at = :slot
where
    target_id = :target_id
    and sampled_at < :before
    and size_bytes is not null
"""
TABLE_SAMPLES = """
insert into table_sample (target_id, oid, slot, heap_bytes, toast_bytes, index_bytes, row_estimate, relfilenode)
select target_id, oid, :slot, heap_bytes, toast_bytes, index_bytes, row_estimate, relfilenode
from table_state
where
    target_id = :target_id
    and sampled_at = :slot
    and total_bytes is not null
order by oid
on conflict do nothing
"""
INDEX_SAMPLES = """
insert into index_sample (target_id, oid, slot, size_bytes, relfilenode)
select target_id, oid, :slot, size_bytes, relfilenode
from index_state
where
    target_id = :target_id
    and sampled_at = :slot
    and size_bytes is not null
order by oid
on conflict do nothing
"""
ONLY_READING = """
select min(slot)
from table_reading
where
    target_id = :target_id
    and slot >= (select min(first_seen_at) from table_state where target_id = :target_id)
having count(*) = 1
"""
BASE = """
select max(slot)
from table_reading
where
    target_id = :target_id
    and slot between :oldest and :since
"""
GROWN = """
with grown as (
    select
        s.oid,
        case
            when s.first_seen_at > :base or s.size_note is not null then null
            when s.resized_at <= :base then 0 * s.total_bytes
            else s.total_bytes - (
                select h.heap_bytes + h.toast_bytes + h.index_bytes
                from table_sample h
                where
                    h.target_id = :target_id
                    and h.oid = s.oid
                    and h.slot <= :base
                    and h.slot > :lookback
                order by h.slot desc
                limit 1
            )
        end as bytes
    from table_state s
    where s.target_id = :target_id
)
update table_state s
set growth_{span}_bytes = grown.bytes
from grown
where
    s.target_id = :target_id
    and s.oid = grown.oid
    and s.growth_{span}_bytes is distinct from grown.bytes
"""


def fold(target_id: int, slot: datetime) -> None:
    """Partitioned tables and indexes store nothing themselves: their numbers are the sums over their leaves."""
    resized = {name: RESIZED.format(name) for name in ("sampled_at", "resized_at")}
    _fold("table_state", "p", TABLE_SUMS, resized, target_id, slot)
    grown = "case when p.size_bytes is distinct from f.size_bytes then :slot else p.sampled_at end"
    _fold("index_state", "I", INDEX_SUMS, {"sampled_at": grown}, target_id, slot)


def _fold(table: str, kind: str, sums: dict[str, str], stamps: dict[str, str], target_id: int, slot: datetime) -> None:
    told = ", ".join(f"{sql} as {name}" for name, sql in sums.items())
    changed = ", ".join(
        [*(f"{name} = f.{name}" for name in sums), *(f"{name} = {sql}" for name, sql in stamps.items())]
    )
    before, after = (", ".join(f"{row}.{name}" for name in sums) for row in ("p", "f"))
    db.session.execute(
        text(f"""
            {BRANCHES.format(table=table)},
            f as (
                select root.oid, {told}
                from {table} root
                left join branch b
                    on b.ancestor = root.oid
                    and b.kind <> :kind
                left join {table} l
                    on l.target_id = :target_id
                    and l.oid = b.oid
                where
                    root.target_id = :target_id
                    and root.kind = :kind
                group by root.oid
            )
            update {table} p
            set {changed}
            from f
            where
                p.target_id = :target_id
                and p.oid = f.oid
                and ({before}) is distinct from ({after})
        """),  # noqa: S608 - the parts are our own
        {"target_id": target_id, "kind": kind, "slot": slot},
    )


def write_samples(target_id: int, slot: datetime) -> None:
    """What changed in this collection, and what was written down too long ago to be found by who looks back."""
    given = {"target_id": target_id, "slot": slot, "before": slot - HEARTBEAT}
    for statement in (AGAIN_TABLES, AGAIN_INDEXES, TABLE_SAMPLES, INDEX_SAMPLES):
        db.session.execute(text(statement), given)


def write_first_samples(target_id: int) -> None:
    """What the first collection found, written down by the second before it changes a row: the first has enough to do.

    Until then the current state is all that is known of a table.
    """
    slot: datetime | None = db.session.scalar(text(ONLY_READING), {"target_id": target_id})
    if slot is not None:
        for statement in (TABLE_SAMPLES, INDEX_SAMPLES):
            db.session.execute(text(statement), {"target_id": target_id, "slot": slot})


def write_reading(target: Target, slot: datetime, tables: int) -> None:
    db.session.execute(
        text("""
            insert into table_reading (target_id, slot, tables, total_bytes, system_identifier)
            select :target_id, :slot, :tables, sum(total_bytes), :system
            from table_state
            where
                target_id = :target_id
                and parent_oid is null
            on conflict do nothing
        """),
        {"target_id": target.id, "slot": slot, "tables": tables, "system": target.system_identifier},
    )


def grow(target_id: int, slot: datetime, as_of: datetime | None) -> None:
    """Growth over each span: long ones once an hour. A table that did not change since then grew by nothing."""
    for name in due_spans(slot, as_of):
        since = slot - SPANS[name]
        given = {"target_id": target_id, "oldest": oldest_evidence(name, slot), "since": since}
        base: datetime | None = db.session.scalar(text(BASE), given)
        lookback = (base or since) - LOOKBACK
        grown = GROWN.replace("{span}", name)
        db.session.execute(text(grown), {"target_id": target_id, "base": base, "lookback": lookback})
