"""Questions about vacuum and transaction ids to the store."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Float, Select, case, cast, func, select

from dashboard.lists import ListPage, ListQuery
from dashboard.paging import kept, shown, telling
from dashboard.store import db
from dashboard.tables.queries import another_until
from dashboard.vacuum import rules
from dashboard.vacuum.dying import ENOUGH
from dashboard.vacuum.models import TableVacuum, VacuumState, XidSample
from dashboard.vacuum.rows import Table

PACE_SPAN = timedelta(days=14)
MOST_POINTS = 400
SEEN = f"select {', '.join(Table._fields)} from table_vacuum where target_id = %(target_id)s"  # noqa: S608 - our names


@dataclass(frozen=True)
class VacuumRow:
    """A line of the list. Shares are of a threshold (1 is due), ages in ids, times of the server's counters."""

    schema: str
    name: str
    kind: str
    parent: str | None
    row_estimate: int | None
    due_share: float | None
    due_for: str | None
    dead_rows: int
    died_per_day: float | None
    died_since: datetime
    vacuum_threshold: int | None
    inserted_rows: int
    insert_threshold: int | None
    toast_dead_rows: int | None
    toast_threshold: int | None
    modified_rows: int
    analyze_threshold: int | None
    analyze_share: float | None
    last_vacuum_at: datetime | None
    last_autovacuum_at: datetime | None
    last_analyze_at: datetime | None
    last_autoanalyze_at: datetime | None
    vacuums: int
    autovacuums: int
    analyzes: int
    autoanalyzes: int
    vacuum_ms: float | None
    autovacuum_ms: float | None
    analyze_ms: float | None
    autoanalyze_ms: float | None
    is_autovacuumed: bool
    is_toast_autovacuumed: bool | None
    unfrozen_share: float | None
    xid_age: int
    multixact_age: int
    freeze_max_age: int
    multixact_freeze_max_age: int
    freeze_share: float
    options: list[str]


@dataclass(frozen=True)
class LimitRow:
    """A limit of the age of transaction or multixact ids of the database; ids are used `per_day`."""

    kind: str
    name: str
    age: int
    limit_age: int
    share: float
    is_passed: bool
    per_day: float | None
    earliest: datetime | None
    latest: datetime | None


XID_AGE = VacuumState.next_xid - TableVacuum.frozen_xid
seen_s = func.extract("epoch", VacuumState.slot - TableVacuum.died_since)
MULTIXACT_AGE = VacuumState.next_multixact - TableVacuum.oldest_multixact
COMPUTED: dict[str, Any] = {
    "analyze_share": cast(TableVacuum.modified_rows, Float) / func.greatest(TableVacuum.analyze_threshold, 1),
    "died_per_day": case(
        (seen_s >= ENOUGH.total_seconds(), cast(TableVacuum.died_rows, Float) * 86_400 / seen_s), else_=None
    ),
    "xid_age": XID_AGE,
    "multixact_age": MULTIXACT_AGE,
    "freeze_share": func.greatest(
        cast(XID_AGE, Float) / TableVacuum.freeze_max_age,
        cast(MULTIXACT_AGE, Float) / TableVacuum.multixact_freeze_max_age,
    ),
}
COUNTED_FROM_IDS = {"died_per_day", "xid_age", "multixact_age", "freeze_share"}
SORTS = tuple(field.name for field in fields(VacuumRow))
COLUMNS: dict[str, Any] = {name: COMPUTED[name] if name in COMPUTED else getattr(TableVacuum, name) for name in SORTS}
STATES = {
    "due": TableVacuum.due_share >= 1,
    "autovacuum_off": ~TableVacuum.is_autovacuumed | (TableVacuum.is_toast_autovacuumed.is_(False)),
    "own_options": func.cardinality(TableVacuum.options) > 0,
    "never_analyzed": TableVacuum.row_estimate.is_(None),
}
TOLD = telling(
    select(*(column.label(name) for name, column in COLUMNS.items())).join(
        VacuumState, VacuumState.target_id == TableVacuum.target_id
    ),
    TableVacuum.target_id,
    TableVacuum.oid,
)


def vacuum_page(target_id: int, query: ListQuery, as_of: datetime | None) -> ListPage[VacuumRow]:
    """The tables that fit search and filters; partitions stand for themselves, because each is vacuumed by itself."""
    column = COLUMNS[query.sort]
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    chosen = _filtered(select(TableVacuum.oid).where(TableVacuum.target_id == target_id), query)
    if query.sort in COUNTED_FROM_IDS:
        chosen = chosen.join(VacuumState, VacuumState.target_id == TableVacuum.target_id)
    order_by = (order, TableVacuum.schema, TableVacuum.name)
    rows, total = shown(chosen, TOLD, order_by, query, (target_id, "vacuum", as_of))
    return ListPage([VacuumRow(*row) for row in rows], total, query, as_of)


@dataclass(frozen=True)
class Counts:
    """Tables whose vacuum is due, and tables that autovacuum may not touch."""

    tables: int
    due: int
    switched_off: int


def counts(target_id: int, as_of: datetime | None) -> Counts:
    """As the collection of that time left them."""
    return kept((target_id, "vacuum counts", as_of), lambda: _counts(target_id))


def _counts(target_id: int) -> Counts:
    found = select(
        func.count().label("tables"),
        func.count().filter(STATES["due"]).label("due"),
        func.count().filter(STATES["autovacuum_off"]).label("switched_off"),
    ).where(TableVacuum.target_id == target_id)
    return Counts(**db.session.execute(found).mappings().one())


def vacuum_state(target_id: int) -> VacuumState | None:
    """The ids of the target as last seen; None before the first collection."""
    return db.session.get(VacuumState, target_id)


def known_state(target_id: int) -> VacuumState | None:
    """What the next collection counts on from: nothing of another server."""
    state, until = vacuum_state(target_id), another_until(target_id)
    return None if state is None or (until is not None and state.slot <= until) else state


def seen_before(target_id: int) -> dict[int, Table]:
    """What the last look found of each table; thousands of rows, so straight from the driver."""
    driver: Any = db.session.connection().connection.driver_connection
    rows = driver.cursor(binary=True).execute(SEEN, {"target_id": target_id}).fetchall()
    return {row[0]: Table._make(row) for row in rows}


def counter_points(target_id: int, since: datetime, until: datetime) -> list[XidSample]:
    """Where the counters stood, oldest first, at most some hundred points: the last of each step."""
    since = max(since, another_until(target_id) or since)
    step = func.date_bin((until - since) / MOST_POINTS, XidSample.slot, since)
    newest = (
        select(func.max(XidSample.slot))
        .where(XidSample.target_id == target_id, XidSample.slot > since, XidSample.slot <= until)
        .group_by(step)
    )
    found = select(XidSample).where(XidSample.target_id == target_id, XidSample.slot.in_(newest))
    return list(db.session.scalars(found.order_by(XidSample.slot)))


def limit_rows(target_id: int, now: datetime) -> list[LimitRow]:
    """The limits of both counters with their dates at the pace of the last two weeks."""
    ids = vacuum_state(target_id)
    ours = next((one for one in ids.databases if one["is_ours"]), None) if ids else None
    if ids is None or ours is None:
        return []
    points = counter_points(target_id, now - PACE_SPAN, now)
    kinds: tuple[tuple[str, str, Any], ...] = (
        ("transaction ids", "xid", rules.xid_limits(ids.limits)),
        ("multixact ids", "multixact", rules.multixact_limits(ids.limits)),
    )
    rows = []
    for words, kind, found in kinds:
        speed = rules.pace([(one.slot, getattr(one, f"next_{kind}")) for one in points])
        for one in rules.milestones(ours[f"{kind}_age"], found, speed, now):
            per_day = speed.per_day if speed else None
            rows.append(
                LimitRow(
                    words, one.name, ours[f"{kind}_age"], one.age, one.share, one.is_passed, per_day, one.earliest,
                    one.latest,
                )
            )  # fmt: skip
    return rows


def _filtered(found: Select[Any], query: ListQuery) -> Select[Any]:
    if query.q:
        found = found.where((TableVacuum.schema + "." + TableVacuum.name).ilike(query.like()))
    if schema := query.filters.get("schema"):
        found = found.where(TableVacuum.schema == schema)
    if state := query.filters.get("state"):
        found = found.where(STATES[state])
    return found
