"""Questions to the stored plans: which was valid when, what changed, and why a family has none."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, func, literal, select
from sqlalchemy.orm import aliased

from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery, ListSpec
from dashboard.plans.models import KINDS, Plan, PlanCapture, PlanQuestion
from dashboard.store import db

SPEC = ListSpec(
    sorts=("valid_from", "seen_at", "kind", "cost", "nodes", "execution_ms"),
    default_sort="valid_from",
    filters={"kind": KINDS},
)
PASSING = ("55P03", "57014", "25P03", "53300")
GONE = "There is no plan of this number for this query; plans that are valid no more are kept for two years."


@dataclass(frozen=True)
class PlanRow:
    """A stored plan without its tree; `shape` names the tree, the same for plans that differ in numbers only."""

    id: int
    kind: str
    shape: str
    cost: float
    nodes: int
    execution_ms: float | None
    valid_from: datetime
    valid_until: datetime | None
    seen_at: datetime
    asked_by: str | None

    @property
    def is_valid(self) -> bool:
        return self.valid_until is None and self.kind != "analyze"


@dataclass(frozen=True)
class StoredPlan:
    """A plan with its tree: EXPLAIN's JSON, literals that are not in the statement's text as question marks."""

    id: int
    family_id: int
    kind: str
    cost: float
    nodes: int
    document: Mapping[str, Any]
    valid_from: datetime
    seen_at: datetime
    search_path: str
    server_version: int


@dataclass(frozen=True)
class PlanChange:
    """A generic plan that took the place of another one."""

    family_id: int
    at: datetime
    before_id: int
    after_id: int
    cost_before: float
    cost_after: float


def plan_page(family_id: int, query: ListQuery) -> ListPage[PlanRow]:
    """Every stored plan of a family."""
    found = select(Plan).where(Plan.family_id == family_id)
    if kind := query.filters.get("kind"):
        found = found.where(Plan.kind == kind)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    names = ("id", "kind", "shape", "cost", "nodes", "execution_ms", "valid_from", "valid_until", "seen_at", "asked_by")
    column = getattr(Plan, query.sort)
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    rows = db.session.execute(
        found.with_only_columns(*(getattr(Plan, name) for name in names))
        .order_by(order, Plan.id.desc())
        .limit(query.limit)
        .offset(query.offset)
    )
    told = [PlanRow(**{**row._mapping, "shape": shape_text(row.shape)}) for row in rows]  # noqa: SLF001
    return ListPage(told, total, query, as_of=max((row.seen_at for row in told), default=None))


def plan_of(target_id: int, family_id: int, plan_id: int) -> Plan:
    """Raises NotFound."""
    plan = db.session.scalar(
        select(Plan).where(Plan.target_id == target_id, Plan.family_id == family_id, Plan.id == plan_id)
    )
    if plan is None:
        raise NotFound(GONE)
    return plan


def valid_plan(family_id: int) -> Plan | None:
    """The generic plan that is valid now; without one the newest of any kind."""
    found = select(Plan).where(Plan.family_id == family_id)
    is_valid = (Plan.kind == "generic") & Plan.valid_until.is_(None)
    return db.session.scalar(found.order_by(is_valid.desc(), Plan.seen_at.desc(), Plan.id.desc()).limit(1))


def previous_plan(plan: Plan) -> Plan | None:
    """The plan of its kind before it."""
    found = select(Plan).where(Plan.family_id == plan.family_id, Plan.kind == plan.kind)
    earlier = found.where((Plan.valid_from < plan.valid_from) & (Plan.id != plan.id))
    return db.session.scalar(earlier.order_by(Plan.valid_from.desc(), Plan.id.desc()).limit(1))


def question_of(family_id: int) -> PlanQuestion | None:
    """The last question for a plan of this family."""
    return db.session.get(PlanQuestion, family_id)


def last_capture(target_id: int) -> PlanCapture | None:
    return db.session.get(PlanCapture, target_id)


def newest_plans(target_id: int, family_ids: Collection[int]) -> dict[int, StoredPlan]:
    """The generic plans that are valid now, by family."""
    columns = [getattr(Plan, name) for name in StoredPlan.__dataclass_fields__]
    found = select(*columns).where(
        Plan.target_id == target_id,
        Plan.family_id == any_(literal(list(family_ids), ARRAY(BigInteger))),
        Plan.kind == "generic",
        Plan.valid_until.is_(None),
    )
    plans = [StoredPlan(*row) for row in db.session.execute(found.order_by(Plan.family_id))]
    return {plan.family_id: plan for plan in plans}


def refusals(target_id: int, family_ids: Collection[int]) -> dict[int, str]:
    """Why these families had no plan when it was asked for last, a sentence each."""
    found = select(PlanQuestion.family_id, PlanQuestion.refusal).where(
        PlanQuestion.target_id == target_id,
        PlanQuestion.family_id == any_(literal(list(family_ids), ARRAY(BigInteger))),
        PlanQuestion.refusal.is_not(None),
    )
    return {family_id: str(sentence) for family_id, sentence in db.session.execute(found)}


def refused_since(target_id: int, since: datetime) -> set[int]:
    """The families that the server refused to plan since then, for another reason than a lock or the time."""
    found = select(PlanQuestion.family_id).where(
        PlanQuestion.target_id == target_id, PlanQuestion.asked_at > since, PlanQuestion.sqlstate.not_in(PASSING)
    )
    return set(db.session.scalars(found))


def plan_changes(target_id: int, since: datetime, until: datetime) -> list[PlanChange]:
    """Generic plans that took the place of others in this span, newest first."""
    before = aliased(Plan)
    found = (
        select(Plan.family_id, Plan.valid_from, before.id, Plan.id, before.cost, Plan.cost)
        .join(
            before,
            (before.family_id == Plan.family_id) & (before.kind == Plan.kind) & (before.valid_until == Plan.valid_from),
        )
        .where(Plan.target_id == target_id, Plan.kind == "generic", Plan.valid_from > since, Plan.valid_from <= until)
        .order_by(Plan.valid_from.desc(), Plan.id.desc())
    )
    return [PlanChange(*row) for row in db.session.execute(found)]


def shape_text(shape: bytes) -> str:
    """A shape as people tell it from another."""
    return bytes(shape).hex()[:8]
