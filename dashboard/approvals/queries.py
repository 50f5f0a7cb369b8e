"""Questions about requests for approval and reviews."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from dashboard.approvals import rules, since, voids
from dashboard.approvals.models import ChangeApproval, ChangeRequest
from dashboard.approvals.validity import IS_OPEN, IS_PART, STATE, STATE_ORDER, VOID, with_facts
from dashboard.errors import NotFound
from dashboard.flags import coming, compare, segment_words
from dashboard.flags.holding import CANCEL, PARTS, WHOLE
from dashboard.lists import ListPage, ListQuery
from dashboard.security.models import Account, EnvironmentRole
from dashboard.security.role_queries import suffices, who_may
from dashboard.store import db
from dashboard.targets.models import Environment


@dataclass(frozen=True)
class RequestRow:
    """`void`: why it stands no longer, as a code, while nobody wrote that down yet."""

    id: UUID
    kind: str
    state: str
    void: str | None
    title: str
    action: str
    flag: str
    flag_id: int | None
    environment: str
    environment_name: str | None
    environment_color: str | None
    environment_is_production: bool | None
    author: str
    author_id: int | None
    reason: str
    asked_at: datetime
    approvals: int
    needed: int
    decided_at: datetime | None
    decided_by: str | None
    decision: str | None
    applied_version: int | None

    @property
    def place(self) -> dict[str, Any]:
        """What a badge of the environment shows, also of one that is gone."""
        return {
            "name": self.environment_name or self.environment,
            "color": self.environment_color or "grey",
            "is_production": bool(self.environment_is_production),
        }

    @property
    def is_part(self) -> bool:
        """Of what the flags of an environment share, not of one flag."""
        return self.action in PARTS

    @property
    def is_whole(self) -> bool:
        """Of a flag in every environment at once."""
        return self.action in WHOLE

    @property
    def is_cancel(self) -> bool:
        return self.action == CANCEL

    @property
    def segment(self) -> str | None:
        return self.flag if self.action.startswith("segment.") else None

    def json(self) -> dict[str, Any]:
        hidden = {"environment_name", "environment_color", "environment_is_production", "author_id", "flag_id", "void"}
        return {name: value for name, value in vars(self).items() if name not in hidden}


@dataclass(frozen=True)
class Whole:
    """A request with all that its page tells; `may`: who may decide it, its author too; `steps` of a schedule."""

    row: RequestRow
    environment: Environment | None
    differences: Sequence[compare.Difference]
    steps: Sequence[coming.ComingStep]
    base_version: int
    approvals: Sequence[ChangeApproval]
    may: Mapping[int, Account]
    tally: rules.Tally
    void_sentence: str | None
    changed: Sequence[since.Changed]
    reach: since.Reach


def is_needed(environment: Environment) -> bool:
    """Whether a change of a flag there waits for somebody else."""
    return environment.approvals_needed > 0


def open_count() -> Select[int]:
    """Asks how many requests and reviews wait; the navigation puts it into its own question."""
    return with_facts(select(func.count(ChangeRequest.id))).where(*IS_OPEN)


def request_page(query: ListQuery) -> ListPage[RequestRow]:
    wanted = _rows()
    if query.q:
        columns = (ChangeRequest.title, ChangeRequest.reason, ChangeRequest.author, ChangeRequest.subject)
        wanted = wanted.where(or_(*(column.ilike(query.like(), escape="\\") for column in columns)))
    filtered: dict[str, ColumnElement[Any]] = {
        "kind": ChangeRequest.kind.expression, "state": STATE, "environment": ChangeRequest.place.expression,
    }  # fmt: skip
    for name, value in query.filters.items():
        wanted = wanted.where(filtered[name] == value)
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    columns_by: dict[str, ColumnElement[Any]] = {"state": STATE_ORDER, "title": ChangeRequest.title.expression}
    column = columns_by.get(query.sort, ChangeRequest.asked_at.expression)
    order = column.desc() if query.descending else column.asc()
    wanted = wanted.order_by(order, ChangeRequest.asked_at.desc(), ChangeRequest.id.desc())
    return ListPage(_read(wanted.limit(query.limit).offset(query.offset)), total, query, datetime.now(UTC))


def open_of(flag_id: int) -> list[RequestRow]:
    """What waits for a flag, in every environment."""
    wanted = _rows().where(ChangeRequest.flag_id == flag_id, *IS_OPEN)
    return _read(wanted.order_by(ChangeRequest.asked_at.desc(), ChangeRequest.id.desc()).limit(50))


def open_parts_of(environment_id: int) -> dict[str, list[RequestRow]]:
    """What waits for the segments of an environment by their name, and for its bucketing by none."""
    found: dict[str, list[RequestRow]] = {}
    wanted = _rows().where(ChangeRequest.environment_id == environment_id, IS_PART, *IS_OPEN)
    wanted = wanted.where(ChangeRequest.kind == "change")
    for row in _read(wanted.order_by(ChangeRequest.asked_at.desc(), ChangeRequest.id.desc()).limit(200)):
        found.setdefault(row.segment or "", []).append(row)
    return found


def request_by(text: str) -> ChangeRequest:
    """Raises NotFound."""
    found = db.session.scalar(select(ChangeRequest).where(ChangeRequest.public_id == _uuid(text)))
    if found is None:
        raise NotFound("There is no such request.")
    return found


def place_of(parameters: Mapping[str, Any]) -> str | None:
    """The environment of the request in the address, for the guard."""
    try:
        return request_by(str(parameters.get("uuid"))).place
    except NotFound:
        return None


def whole(text: str) -> Whole:
    """Raises NotFound."""
    request = request_by(text)
    row = _read(_rows().where(ChangeRequest.id == request.id))[0]
    approvals = approvals_of(request)
    may = {one.id: one for one in who_may("operator", request.environment_id)} if request.environment_id else {}
    environment = db.session.get(Environment, request.environment_id) if request.environment_id else None
    asked_in = environment if row.state == "open" and row.kind == "change" else None
    return Whole(
        row=row,
        environment=environment,
        differences=(segment_words if row.segment else compare).differences(request.before, request.document),
        steps=coming.steps_of(request.before or {}, request.steps) if request.steps else [],
        base_version=request.base_version,
        approvals=approvals,
        may=may,
        tally=rules.tally(row.needed, request.author_id, [one.account_id for one in approvals], may),
        void_sentence=voids.sentence_of(request, row.void) if row.void else None,
        changed=since.changed_since(request, asked_in) if asked_in else (),
        reach=since.reach_of(request, asked_in) if asked_in else since.Reach(),
    )


def approvals_of(request: ChangeRequest) -> list[ChangeApproval]:
    wanted = select(ChangeApproval).where(ChangeApproval.request_id == request.id)
    return list(db.session.scalars(wanted.order_by(ChangeApproval.at, ChangeApproval.account_id)))


def _rows() -> Select[*tuple[Any, ...]]:
    named = {
        "id": ChangeRequest.public_id, "state": STATE, "void": VOID, "flag": ChangeRequest.subject,
        "environment": ChangeRequest.place, "environment_name": Environment.name,
        "environment_color": Environment.color, "environment_is_production": Environment.is_production,
        "approvals": _given(), "needed": func.greatest(func.coalesce(Environment.approvals_needed, 1), 1),
    }  # fmt: skip
    own = [name for name in RequestRow.__dataclass_fields__ if name not in named]
    columns = named | {name: getattr(ChangeRequest, name) for name in own}
    return with_facts(select(*(column.label(name) for name, column in columns.items())))


def _given() -> ColumnElement[int]:
    """Approvals of people who may still give them."""
    voter, granted = aliased(Account), aliased(EnvironmentRole)
    there = and_(granted.account_id == voter.id, granted.environment_id == ChangeRequest.environment_id)
    found = select(func.count()).select_from(ChangeApproval).join(voter, voter.id == ChangeApproval.account_id)
    found = found.outerjoin(granted, there).where(ChangeApproval.request_id == ChangeRequest.id)
    return found.where(suffices("operator", voter, granted)).correlate(ChangeRequest).scalar_subquery()


def _read(wanted: Select[*tuple[Any, ...]]) -> list[RequestRow]:
    return [RequestRow(**row._mapping) for row in db.session.execute(wanted)]  # noqa: SLF001 - SQLAlchemy's public name


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such request.") from None
