"""Questions of the first page."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from dashboard.lists import ListPage, ListQuery
from dashboard.server.queries import newest_states
from dashboard.store import db
from dashboard.targets.models import Environment, Target
from dashboard.targets.queries import ENVIRONMENT_COLUMNS

NEWEST = newest_states()


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
    "size_bytes": NEWEST.c.size_bytes,
    "growth_24h_bytes": NEWEST.c.growth_24h_bytes,
    "connections": NEWEST.c.connections,
    "cache_hit_share": NEWEST.c.cache_hit_share,
    "commits_per_s": NEWEST.c.commits_per_s,
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
            NEWEST.c.size_bytes,
            NEWEST.c.growth_24h_bytes,
            NEWEST.c.connections,
            NEWEST.c.connections_max,
            NEWEST.c.cache_hit_share,
            NEWEST.c.commits_per_s,
        )
        .join(Environment, Environment.id == Target.environment_id)
        .outerjoin(NEWEST, NEWEST.c.target_id == Target.id)
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
