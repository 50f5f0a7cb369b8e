"""Questions to the store about the advice that was made."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import func, select

from dashboard.advice.models import AdviceIndex, AdviceReason, AdviceRun
from dashboard.findings.models import Finding
from dashboard.lists import ListPage, ListQuery, ListSpec
from dashboard.statements.models import StatementFamily
from dashboard.statements.texts import one_line
from dashboard.store import db

Told = TypeVar("Told", "AdviceRow", "ReasonRow")


@dataclass(frozen=True)
class AdviceRow:
    """A proposed index. Milliseconds are of the window from `since` to `until`; `is_verified`: HypoPG agreed."""

    id: int
    schema: str
    table_name: str
    name: str
    method: str
    columns: list[str]
    predicate: str | None
    saved_ms: float
    saved_low_ms: float
    saved_high_ms: float
    family_count: int
    families: list[dict[str, Any]]
    size_bytes: int
    table_bytes: int
    written_entries: int
    written_bytes: int
    hot_lost: int
    write_low_ms: float
    write_high_ms: float
    create_sql: str
    drop_sql: str
    why: str
    note: str | None
    since: datetime | None
    until: datetime | None
    first_seen_at: datetime
    verified_at: datetime | None
    verified_note: str | None
    key: str
    finding_id: int | None
    dismissed_until: datetime | None

    @property
    def is_verified(self) -> bool:
        return self.verified_at is not None

    def json(self) -> dict[str, Any]:
        return vars(self) | {"is_verified": self.is_verified}


@dataclass(frozen=True)
class ReasonRow:
    """A family that got no index, and why."""

    id: int
    text: str
    code: str
    sentence: str
    calls: int
    total_ms: float
    blocks: int
    has_plan: bool

    @property
    def line(self) -> str:
        return one_line(self.text)


SPEC = ListSpec(
    sorts=("saved_ms", "saved_low_ms", "saved_high_ms", "family_count", "size_bytes", "written_bytes", "table_name"),
    default_sort="saved_ms",
)
REASONS = ListSpec(
    sorts=("total_ms", "calls", "blocks", "code", "text"), default_sort="total_ms", filters={"reason": None}
)


def advice_page(target_id: int, query: ListQuery) -> ListPage[AdviceRow]:
    """The indexes of the last run, in the order asked for."""
    of_finding = {"finding_id": Finding.id.label("finding_id"), "dismissed_until": Finding.dismissed_until}
    columns = [of_finding.get(field.name, getattr(AdviceIndex, field.name, None)) for field in fields(AdviceRow)]
    same = (Finding.target_id == AdviceIndex.target_id) & (Finding.key == AdviceIndex.key)
    found = (
        select(*columns, func.count().over().label("of_all"))  # type: ignore[arg-type]
        .outerjoin(Finding, same & Finding.ended_at.is_(None))
        .where(AdviceIndex.target_id == target_id)
    )
    if query.q:
        named = AdviceIndex.schema + "." + AdviceIndex.table_name + " " + AdviceIndex.create_sql
        found = found.where(named.ilike(query.like(), escape="\\"))
    column = getattr(AdviceIndex, query.sort)
    order = (column.desc() if query.descending else column.asc(), AdviceIndex.key)
    rows = db.session.execute(found.order_by(*order).limit(query.limit).offset(query.offset)).all()
    run = last_run(target_id)
    return ListPage(_told(AdviceRow, rows), rows[0].of_all if rows else 0, query, run.at if run else None)


def reason_page(target_id: int, query: ListQuery) -> ListPage[ReasonRow]:
    """The families that got nothing, those that took most time first."""
    reason = AdviceReason
    told = [getattr(reason, name) for name in ("code", "sentence", "calls", "total_ms", "blocks", "has_plan")]
    found = (
        select(reason.family_id.label("id"), StatementFamily.text, *told, func.count().over().label("of_all"))
        .join(StatementFamily, StatementFamily.id == reason.family_id)
        .where(reason.target_id == target_id)
    )
    if query.q:
        found = found.where(StatementFamily.text.ilike(query.like(), escape="\\"))
    if code := query.filters.get("reason"):
        found = found.where(reason.code == code)
    column = {one.key: one for one in found.selected_columns}[query.sort]
    order = (column.desc() if query.descending else column.asc(), reason.family_id)
    rows = db.session.execute(found.order_by(*order).limit(query.limit).offset(query.offset)).all()
    run = last_run(target_id)
    return ListPage(_told(ReasonRow, rows), rows[0].of_all if rows else 0, query, run.at if run else None)


def reason_counts(target_id: int) -> list[tuple[str, int, float]]:
    """(reason, families, their time), the most time first."""
    total = func.sum(AdviceReason.total_ms)
    found = select(AdviceReason.code, func.count(), total).where(AdviceReason.target_id == target_id)
    rows = db.session.execute(found.group_by(AdviceReason.code).order_by(total.desc(), AdviceReason.code))
    return [(code, count, ms) for code, count, ms in rows]


def last_run(target_id: int) -> AdviceRun | None:
    return db.session.get(AdviceRun, target_id)


def texts_of(target_id: int, family_ids: Collection[int]) -> dict[int, str]:
    """The texts of these families, in one line each."""
    family = StatementFamily
    found = select(family.id, family.text).where(family.target_id == target_id, family.id.in_(list(family_ids)))
    return {row.id: one_line(row.text) for row in db.session.execute(found)}


def _told(kind: type[Told], rows: Sequence[Any]) -> list[Told]:
    """Rows as dataclasses; the extra column that counts all of them is left out."""
    names = [field.name for field in fields(kind)]
    return [kind(**{name: getattr(row, name) for name in names}) for row in rows]
