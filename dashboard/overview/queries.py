"""Questions of the first page and of a target's summary."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, literal, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from dashboard.lists import ListPage, ListQuery
from dashboard.overview.models import DatabaseSample, DatabaseState
from dashboard.store import db
from dashboard.targets.models import Environment, Target
from dashboard.targets.queries import ENVIRONMENT_COLUMNS

SPARK_POINTS = 24
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TargetRow:
    """A target at a glance; numbers are of its newest sample, None where nothing is known."""

    id: int
    slug: str
    name: str
    environment: str
    environment_name: str
    environment_color: str
    environment_is_production: bool
    state: str
    unreachable_since: datetime | None
    unreachable_reason: str | None
    collected_at: datetime | None
    size_bytes: int | None
    growth_24h_bytes: int | None
    connections: int | None
    connections_max: int | None
    cache_hit_share: float | None
    commits_per_s: float | None

    def json(self) -> dict[str, Any]:
        hidden = {"id", "environment_name", "environment_color", "environment_is_production"}
        return {key: value for key, value in vars(self).items() if key not in hidden}


SORTS = {
    "name": Target.name,
    "environment": Environment.position,
    "state": Target.state,
    "size_bytes": DatabaseState.size_bytes,
    "growth_24h_bytes": DatabaseState.growth_24h_bytes,
    "connections": DatabaseState.connections,
    "cache_hit_share": DatabaseState.cache_hit_share,
    "commits_per_s": DatabaseState.commits_per_s,
}


def target_page(query: ListQuery) -> ListPage[TargetRow]:
    found = (
        select(
            Target.id,
            Target.slug,
            Target.name,
            *ENVIRONMENT_COLUMNS,
            Target.state,
            Target.unreachable_since,
            Target.unreachable_reason,
            Target.collected_at,
            DatabaseState.size_bytes,
            DatabaseState.growth_24h_bytes,
            DatabaseState.connections,
            DatabaseState.connections_max,
            DatabaseState.cache_hit_share,
            DatabaseState.commits_per_s,
        )
        .join(Environment, Environment.id == Target.environment_id)
        .outerjoin(DatabaseState, DatabaseState.target_id == Target.id)
    )
    if query.q:
        found = found.where(or_(Target.name.ilike(query.like()), Target.slug.ilike(query.like())))
    if environment := query.filters.get("environment"):
        found = found.where(Environment.slug == environment)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    order = SORTS[query.sort].desc() if query.descending else SORTS[query.sort].asc()
    rows = db.session.execute(found.order_by(order.nulls_last(), Target.name).limit(query.limit).offset(query.offset))
    found_rows = [TargetRow(**row._mapping) for row in rows]  # noqa: SLF001
    newest = max((row.collected_at for row in found_rows if row.collected_at), default=None)
    return ListPage(rows=found_rows, total=total, query=query, as_of=newest)


def target_state(target_id: int) -> DatabaseState | None:
    return db.session.get(DatabaseState, target_id)


def samples(target_id: int, since: datetime, step: timedelta) -> list[Any]:
    """The counters of a window that charts are made of, oldest first: the last ones of each step."""
    sample = DatabaseSample
    at = func.date_bin(literal(step), sample.slot, literal(EPOCH))
    found = (
        select(
            sample.slot,
            sample.size_bytes,
            sample.connections,
            sample.commits,
            sample.rollbacks,
            sample.blocks_read,
            sample.blocks_hit,
            sample.stats_reset_at,
            sample.started_at,
        )
        .ext(distinct_on(at))
        .where(DatabaseSample.target_id == target_id, DatabaseSample.slot >= since)
        .order_by(at, DatabaseSample.slot.desc())
    )
    return list(db.session.execute(found))


def size_sparks(target_ids: list[int], since: datetime) -> dict[int, list[tuple[datetime, float | None]]]:
    """Size by the hour for each target, oldest first: one question for the whole page."""
    hour = func.date_trunc("hour", DatabaseSample.slot)
    found = (
        select(DatabaseSample.target_id, hour, func.max(DatabaseSample.size_bytes))
        .where(DatabaseSample.target_id.in_(target_ids), DatabaseSample.slot >= since)
        .group_by(DatabaseSample.target_id, hour)
        .order_by(DatabaseSample.target_id, hour)
    )
    sparks: dict[int, list[tuple[datetime, float | None]]] = {}
    for target_id, at, size in db.session.execute(found):
        sparks.setdefault(target_id, []).append((at, size))
    return sparks
