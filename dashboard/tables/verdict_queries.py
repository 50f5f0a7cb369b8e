"""What the judgement of indexes needs to know from the store, and what lists ask about its verdicts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, cast, func, or_, select, text
from sqlalchemy.orm import InstrumentedAttribute

from dashboard.server.queries import cluster_target_ids, counter_start, standbys_of
from dashboard.store import db
from dashboard.tables.models import IndexState, IndexVerdict, TableState
from dashboard.tables.rows import Index, Purpose, Table
from dashboard.tables.verdicts import BUSINESS_CYCLE, Counting
from dashboard.targets.models import ProbeState, Target

AT_ONCE = 1_000
STALE = timedelta(days=1)
FLAGS = ("unique", "primary", "clustered", "replica_identity", "exclusion", "referenced")
OWN = {
    "oids": "cast(array_agg(s0.oid) as text)",
    "number": "count(*)",
    "parent_oid": "min(s0.parent_oid)",
    "partitioned_oid": "case when s0.kind = 'I' then s0.oid end",
    "constraint_name": "case when s0.is_unique and not s0.is_primary then s0.constraint_name end",
    "expressions": "s0.expressions",
    "planned": "coalesce(planned.families, 0)",
    **{f"is_{flag}": f"s0.is_{flag}" for flag in FLAGS},
}
COUNTED = """(
    select
        i.*,
        v.oid is not null as is_followed,
        coalesce(
            i.last_scan_at,
            case when i.scans > 0 and i.scans <> v.own_scans then cast(:now as timestamptz) else v.used_at end
        ) as used_at
    from index_state i
    left join index_verdict v
        on v.target_id = i.target_id
        and v.oid = i.oid
    where i.target_id = :server_{place}
) as s{place}"""

PLANNED = """
with recursive named as (
    select distinct p.family_id, told.name #>> '{}' as name
    from plan p
    join statement_family f
        on f.id = p.family_id
    cross join lateral jsonb_path_query(p.document, 'lax $.**."Index Name"') as told (name)
    where
        p.target_id = any(cast(:servers as bigint[]))
        and p.seen_at > :planned_since
        and f.last_seen_at > :planned_since
),
holding (oid, parent_oid, family_id) as (
    select i.oid, i.parent_oid, n.family_id
    from named n
    join index_state i
        on i.name = n.name
    where i.target_id = :server_0
    union
    select i.oid, i.parent_oid, h.family_id
    from holding h
    join index_state i
        on i.oid = h.parent_oid
    where i.target_id = :server_0
),
planned as materialized (
    select oid, count(distinct family_id) as families
    from holding
    group by oid
)"""


@dataclass(frozen=True)
class Server:
    """A server of the cluster, and since when it counts."""

    target_id: int
    name: str
    counting_since: datetime | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike(Purpose):
    """Indexes of which the same is known, so that they have one verdict: `oids` as PostgreSQL writes an array.

    A partitioned index stands alone, because its partitions matter too. `countings` are of the servers in their order;
    `planned` is how many families that ran of late have a stored plan with it, or with one of its parts.
    """

    oids: str
    number: int
    partitioned_oid: int | None
    planned: int
    countings: Sequence[Counting | None]


def tables(target_id: int, oids: Iterable[int]) -> dict[int, Table]:
    """These tables and their partitions."""
    columns, wanted = [getattr(TableState, field.name) for field in fields(Table)], _any(oids)
    is_wanted = or_(TableState.oid == wanted, TableState.parent_oid == wanted)
    found = select(*columns).where(TableState.target_id == target_id, is_wanted)
    return {row["oid"]: Table(**row) for row in db.session.execute(found).mappings()}


def _indexes(target_id: int, *wanted: ColumnElement[bool] | InstrumentedAttribute[bool]) -> Iterator[Index]:
    columns = [getattr(IndexState, field.name) for field in fields(Index)]
    found = select(*columns).where(IndexState.target_id == target_id, *wanted).order_by(IndexState.oid)
    for row in db.session.execute(found, execution_options={"yield_per": AT_ONCE}).mappings():
        yield Index(**row)


def indexes_of(target_id: int, tables: Iterable[int]) -> list[Index]:
    return list(_indexes(target_id, IndexState.table_oid == _any(tables)))


def invalid_indexes(target_id: int) -> list[Index]:
    return list(_indexes(target_id, ~IndexState.is_valid))


def parts_of(target_id: int, partitioned_oid: int) -> list[Index]:
    return list(_indexes(target_id, IndexState.parent_oid == partitioned_oid))


def valid_indexes(target_id: int, oids: Iterable[int]) -> list[Index]:
    return list(_indexes(target_id, IndexState.oid == _any(oids), IndexState.is_valid))


def crowded_tables(target_id: int) -> list[int]:
    """Tables where one index may make another redundant: two begin with the same column, or two are unique."""
    first = [array[1] for array in (IndexState.key_columns, IndexState.opclasses, IndexState.collations)]
    own = select(IndexState.table_oid).where(IndexState.target_id == target_id)
    begin_alike = own.group_by(IndexState.table_oid, IndexState.method, *first).having(func.count() > 1)
    unique = own.where(IndexState.is_unique).group_by(IndexState.table_oid).having(func.count() > 1)
    return sorted(db.session.scalars(begin_alike.union(unique)))


def names(target_id: int) -> frozenset[tuple[str, str]]:
    """Names that a new index cannot have."""
    taken = (select(model.schema, model.name).where(model.target_id == target_id) for model in (IndexState, TableState))
    return frozenset((row.schema, row.name) for one in taken for row in db.session.execute(one))


def cluster(target: Target) -> list[Server]:
    """The target itself first, then every watched server that replication keeps the same."""
    ids = cluster_target_ids(target.id)
    names = dict(db.session.execute(select(Target.id, Target.name).where(Target.id.in_(ids))).all())
    read = select(ProbeState.target_id, ProbeState.as_of).where(
        ProbeState.target_id.in_(ids), ProbeState.probe == "tables"
    )
    read_at = dict(db.session.execute(read).all())
    return [Server(one, names[one], counter_start(one), read_at.get(one)) for one in ids if one in names]


def watched_since(target_id: int) -> datetime | None:
    """When the first table or index of a target was seen; None before that."""
    seen = [select(func.min(one.first_seen_at)).where(one.target_id == target_id) for one in (TableState, IndexState)]
    return min((at for at in map(db.session.scalar, seen) if at), default=None)


def alike(servers: Sequence[Server], now: datetime) -> Iterator[Alike]:
    """Every index of the first server once, with what each server of the cluster tells of it."""
    params: dict[str, Any] = {f"server_{place}": server.target_id for place, server in enumerate(servers)}
    params |= {"servers": [one.target_id for one in servers], "now": now, "planned_since": now - BUSINESS_CYCLE}
    rows = db.session.execute(text(_alike(len(servers))), params, execution_options={"yield_per": AT_ONCE})
    names, width = list(OWN), len(Counting._fields)
    for row in rows:
        countings = [_counting(row[start : start + width]) for start in range(len(names), len(row), width)]
        yield Alike(**dict(zip(names, row, strict=False)), countings=countings)


def resets(servers: Sequence[Server]) -> dict[tuple[int, int | None], Counting]:
    """The last reset among the parts of each partitioned index, by server and index."""
    state = IndexState
    found = (
        select(state.target_id, state.parent_oid, func.max(state.counted_since), func.min(state.first_seen_at))
        .where(state.target_id.in_([server.target_id for server in servers]), state.parent_oid.is_not(None))
        .where(state.counted_since > state.first_seen_at)
        .group_by(state.target_id, state.parent_oid)
    )
    return {(row[0], row[1]): Counting(None, None, None, False, row[2], row[3]) for row in db.session.execute(found)}


def standby_ids(target: Target) -> set[int]:
    """Watched standbys of the same cluster, whatever database they were registered for."""
    return {standby.id for standby in standbys_of(target)}


def verdicts_of(target_id: int, table_oid: int) -> dict[int, IndexVerdict]:
    """What is said of the indexes of a table; one that was not judged yet is left out."""
    own = select(IndexState.oid).where(IndexState.target_id == target_id, IndexState.table_oid == table_oid)
    found = select(IndexVerdict).where(IndexVerdict.target_id == target_id, IndexVerdict.oid.in_(own))
    return {row.oid: row for row in db.session.scalars(found.order_by(IndexVerdict.oid))}


def _alike(servers: int) -> str:
    """Grouped by all that a verdict depends on, and by nothing else."""
    counted = [f"s{place}.{name}" for place in range(servers) for name in Counting._fields]
    told = ",\n    ".join([*(f"{sql} as {name}" for name, sql in OWN.items()), *counted])
    same = [sql for name, sql in OWN.items() if name not in {"oids", "number", "parent_oid"}]
    others = "".join(f" left join {COUNTED.format(place=one)} on s{one}.oid = s0.oid" for one in range(1, servers))
    return f"""
        {PLANNED}
        select {told}
        from {COUNTED.format(place=0)}{others} left join planned on planned.oid = s0.oid
        group by {", ".join([*same, "s0.parent_oid is null", *counted])}
        order by min(s0.oid)
    """  # noqa: S608 - names of our own columns


def _counting(told: Sequence[Any]) -> Counting | None:
    """None where the server does not have the index: no stored one lacks when it was first seen."""
    return Counting._make(told) if told[-1] is not None else None


def _any(oids: Iterable[int]) -> Any:
    return any_(cast(list(oids), ARRAY(BigInteger())))
