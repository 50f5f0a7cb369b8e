"""What the judgement of indexes needs to know from the store, and what lists ask about its verdicts."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import select

from dashboard.server.queries import cluster_target_ids, counter_start, standbys_of
from dashboard.store import db
from dashboard.tables.models import IndexState, IndexVerdict, TableState
from dashboard.tables.rows import Index, Table
from dashboard.targets.models import ProbeState, Target

AT_ONCE = 1_000
STALE = timedelta(days=1)


@dataclass(frozen=True)
class Server:
    """A server of the cluster: since when it counts, and its indexes with when each was last seen to be used."""

    target_id: int
    name: str
    counting_since: datetime | None
    read_at: datetime | None
    indexes: dict[int, Index]
    used_at: dict[int, datetime]


@dataclass(frozen=True)
class Verdict:
    """One stored verdict, as the next judgement compares with it."""

    own_scans: int | None
    used_at: datetime | None


def tables(target_id: int) -> dict[int, Table]:
    columns = [getattr(TableState, field.name) for field in fields(Table)]
    found = select(*columns).where(TableState.target_id == target_id).execution_options(yield_per=AT_ONCE)
    return {row["oid"]: Table(**row) for row in db.session.execute(found).mappings()}


def indexes(target_id: int) -> dict[int, Index]:
    columns = [getattr(IndexState, field.name) for field in fields(Index)]
    found = select(*columns).where(IndexState.target_id == target_id).execution_options(yield_per=AT_ONCE)
    return {row["oid"]: Index(**row) for row in db.session.execute(found).mappings()}


def cluster(target: Target) -> list[Server]:
    """The target itself first, then every watched server that replication keeps the same."""
    ids = cluster_target_ids(target.id)
    names = dict(db.session.execute(select(Target.id, Target.name).where(Target.id.in_(ids))).all())
    read = select(ProbeState.target_id, ProbeState.as_of).where(
        ProbeState.target_id.in_(ids), ProbeState.probe == "tables"
    )
    read_at = dict(db.session.execute(read).all())
    return [
        Server(
            target_id=one,
            name=names[one],
            counting_since=counter_start(one),
            read_at=read_at.get(one),
            indexes=indexes(one),
            used_at={oid: seen.used_at for oid, seen in verdicts(one).items() if seen.used_at},
        )
        for one in ids
        if one in names
    ]


def standby_ids(target: Target) -> set[int]:
    """Watched standbys of the same cluster, whatever database they were registered for."""
    return {standby.id for standby in standbys_of(target)}


def verdicts(target_id: int) -> dict[int, Verdict]:
    found = select(IndexVerdict.oid, IndexVerdict.own_scans, IndexVerdict.used_at)
    rows = db.session.execute(found.where(IndexVerdict.target_id == target_id))
    return {row.oid: Verdict(row.own_scans, row.used_at) for row in rows}


def verdicts_of(target_id: int, table_oid: int) -> dict[int, IndexVerdict]:
    """What is said of the indexes of a table; one that was not judged yet is left out."""
    own = select(IndexState.oid).where(IndexState.target_id == target_id, IndexState.table_oid == table_oid)
    found = select(IndexVerdict).where(IndexVerdict.target_id == target_id, IndexVerdict.oid.in_(own))
    return {row.oid: row for row in db.session.scalars(found.order_by(IndexVerdict.oid))}
