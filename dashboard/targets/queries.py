"""Questions about targets and environments."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, or_, select

from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.capabilities import State, worst
from dashboard.targets.models import CollectorCost, Environment, ProbeState, Target


@dataclass(frozen=True)
class TargetRow:
    """A target as the settings list it; where it is and who signs in there is not for everybody who may read."""

    slug: str
    name: str
    environment: str
    environment_name: str
    environment_color: str
    is_production: bool
    state: str
    unreachable_since: datetime | None
    unreachable_reason: str | None
    next_attempt_at: datetime | None
    collected_at: datetime | None
    server_version: int | None
    capabilities: list[dict[str, Any]] | None

    @property
    def summary(self) -> State | None:
        """The worst state of its capability card; None before the first check."""
        return worst([feature["state"] for feature in self.capabilities]) if self.capabilities else None

    def json(self) -> dict[str, Any]:
        hidden = {"environment_name", "environment_color", "is_production", "capabilities"}
        return {key: value for key, value in vars(self).items() if key not in hidden} | {"capabilities": self.summary}


@dataclass(frozen=True)
class EnvironmentRow:
    slug: str
    name: str
    color: str
    position: int
    is_production: bool
    approvals_needed: int
    keeps_contexts: bool
    version: int
    targets: int


@dataclass(frozen=True)
class CostRow:
    """What watching a target costs each minute, over an hour; `points` are the target's own milliseconds."""

    collections: int
    duration_ms: float
    target_ms: float
    statements: float
    points: list[tuple[datetime, float | None]]


ROW_NAMES = (
    "slug", "name", "color", "position", "is_production", "approvals_needed", "keeps_contexts", "version",
)  # fmt: skip
SORTS = {
    "name": Target.name,
    "environment": Environment.position,
    "state": Target.state,
    "collected_at": Target.collected_at,
    "server_version": Target.server_version,
}


def target_page(query: ListQuery) -> ListPage[TargetRow]:
    found = select(
        Target.slug,
        Target.name,
        Environment.slug.label("environment"),
        Environment.name.label("environment_name"),
        Environment.color.label("environment_color"),
        Environment.is_production,
        Target.state,
        Target.unreachable_since,
        Target.unreachable_reason,
        Target.next_attempt_at,
        Target.collected_at,
        Target.server_version,
        Target.capabilities,
    ).join(Environment, Environment.id == Target.environment_id)
    if query.q:
        found = found.where(or_(Target.name.ilike(query.like()), Target.slug.ilike(query.like())))
    if environment := query.filters.get("environment"):
        found = found.where(Environment.slug == environment)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    column = SORTS[query.sort]
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    rows = db.session.execute(found.order_by(order, Target.name, Target.slug).limit(query.limit).offset(query.offset))
    found_rows = [TargetRow(**row._mapping) for row in rows]  # noqa: SLF001
    newest = max((row.collected_at for row in found_rows if row.collected_at), default=None)
    return ListPage(rows=found_rows, total=total, query=query, as_of=newest)


def environment_page(query: ListQuery) -> ListPage[EnvironmentRow]:
    """Every environment with how many targets it has; there are few, so there is one page."""
    targets = select(func.count()).where(Target.environment_id == Environment.id).scalar_subquery().label("targets")
    columns = {name: getattr(Environment, name) for name in ROW_NAMES}
    found = select(*columns.values(), targets)
    if query.q:
        found = found.where(or_(Environment.name.ilike(query.like()), Environment.slug.ilike(query.like())))
    column = columns.get(query.sort, Environment.position)
    order = column.desc() if query.descending else column.asc()
    rows = [EnvironmentRow(**row._mapping) for row in db.session.execute(found.order_by(order, Environment.name))]  # noqa: SLF001
    return ListPage(rows=rows, total=len(rows), query=query, as_of=datetime.now(UTC))


def environment_row(slug: str) -> EnvironmentRow:
    """Raises NotFound."""
    environment = environment_by_slug(slug)
    count = select(func.count()).where(Target.environment_id == environment.id)
    told = {name: getattr(environment, name) for name in ROW_NAMES}
    return EnvironmentRow(**told, targets=db.session.scalar(count) or 0)


def cost(target_id: int, since: datetime) -> CostRow | None:
    """None while nothing was collected since then."""
    found = select(CollectorCost).where(CollectorCost.target_id == target_id, CollectorCost.slot >= since)
    rows = list(db.session.scalars(found.order_by(CollectorCost.slot)))
    if not rows:
        return None
    minutes = len({row.slot.replace(second=0, microsecond=0) for row in rows})
    return CostRow(
        collections=len(rows),
        duration_ms=sum(row.duration_ms for row in rows) / minutes,
        target_ms=sum(row.target_ms for row in rows) / minutes,
        statements=sum(row.statements for row in rows) / minutes,
        points=[(row.slot, row.target_ms) for row in rows],
    )


# How a row of another feature's list names the environment it belongs to.
ENVIRONMENT_COLUMNS = (
    Environment.slug.label("environment"),
    Environment.name.label("environment_name"),
    Environment.color.label("environment_color"),
    Environment.is_production.label("environment_is_production"),
)


def target_by_slug(slug: str) -> Target:
    """Raises NotFound."""
    target = db.session.scalar(select(Target).where(Target.slug == slug)) if "\x00" not in slug else None
    if target is None:
        raise NotFound("There is no target of this name.")
    return target


def all_targets() -> list[Target]:
    """In the order of their environments, then by name."""
    found = select(Target).join(Target.environment).order_by(Environment.position, Target.name, Target.id)
    return list(db.session.scalars(found))


def all_environments() -> list[Environment]:
    return list(db.session.scalars(select(Environment).order_by(Environment.position, Environment.name)))


def environment_by_slug(slug: str) -> Environment:
    """Raises NotFound."""
    environment = None
    if "\x00" not in slug:
        environment = db.session.scalar(select(Environment).where(Environment.slug == slug))
    if environment is None:
        raise NotFound("There is no environment of this name.")
    return environment


def probe_state(target_id: int, probe: str) -> ProbeState | None:
    return db.session.get(ProbeState, (target_id, probe))


def probe_states(target_id: int) -> list[ProbeState]:
    found = select(ProbeState).where(ProbeState.target_id == target_id).order_by(ProbeState.probe)
    return list(db.session.scalars(found))
