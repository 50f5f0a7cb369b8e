"""Questions about changes of flags that happen at a time."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, or_, select

from dashboard.errors import NotFound
from dashboard.flags import coming, rules
from dashboard.flags.coming import ComingStep
from dashboard.flags.compiled import Step
from dashboard.flags.ledger import document_of
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.lists import ListPage, ListQuery
from dashboard.security.models import Account, EnvironmentRole
from dashboard.security.role_queries import suffices
from dashboard.store import db
from dashboard.targets.models import Environment


@dataclass(frozen=True)
class ScheduleRow:
    """A schedule as lists show it; `done` of `steps` are versions of the flag by now.

    `needs_others`: others approved it, and agree before it is given up.
    """

    id: UUID
    state: str
    flag: str
    environment: str
    environment_name: str
    environment_color: str
    environment_is_production: bool
    title: str
    reason: str
    author: str
    created_at: datetime
    next_at: datetime | None
    steps: int
    done: int
    ended_at: datetime | None
    ended_by: str | None
    why: str | None
    needs_others: bool

    @property
    def place(self) -> dict[str, object]:
        """What the mark of the environment shows."""
        is_production = self.environment_is_production
        return {"name": self.environment_name, "color": self.environment_color, "is_production": is_production}

    def json(self) -> dict[str, Any]:
        hidden = {"environment_name", "environment_color", "environment_is_production", "needs_others"}
        return {name: value for name, value in vars(self).items() if name not in hidden}

    csv = json


def coming_in(environment: Environment) -> dict[str, list[Step]]:
    """Flag → what it becomes at which second, of those that change by themselves here."""
    wanted = select(Flag.key, FlagSchedule).join(FlagSchedule.flag)
    wanted = wanted.where(FlagSchedule.environment_id == environment.id, FlagSchedule.state == "pending")
    rows = db.session.execute(wanted.order_by(Flag.key))
    return {key: [(at, rules.definition_of(later)) for at, later in found.coming] for key, found in rows}


def changing_in(environment: Environment) -> set[int]:
    """Ids of the flags that change by themselves here."""
    wanted = select(FlagSchedule.flag_id).where(FlagSchedule.environment_id == environment.id)
    return set(db.session.scalars(wanted.where(FlagSchedule.state == "pending")))


def pending_of(flag_id: int, environment_id: int, *, locked: bool = False) -> FlagSchedule | None:
    wanted = select(FlagSchedule).where(
        FlagSchedule.flag_id == flag_id, FlagSchedule.environment_id == environment_id, FlagSchedule.state == "pending"
    )
    wanted = wanted.with_for_update().execution_options(populate_existing=True) if locked else wanted
    return db.session.scalar(wanted)


def pending_of_flag(flag_id: int) -> dict[int, FlagSchedule]:
    """Environment id → what is to come there."""
    wanted = select(FlagSchedule).where(FlagSchedule.flag_id == flag_id, FlagSchedule.state == "pending")
    return {found.environment_id: found for found in db.session.scalars(wanted)}


def schedule_by(text: str) -> FlagSchedule:
    """Raises NotFound."""
    try:
        wanted = select(FlagSchedule).where(FlagSchedule.public_id == UUID(text))
    except ValueError:
        raise NotFound("There is no such schedule.") from None
    found = db.session.scalar(wanted)
    if found is None:
        raise NotFound("There is no such schedule.")
    return found


def place_of(parameters: Any) -> str | None:
    """The environment of the schedule in the address, for the guard."""
    try:
        return schedule_by(str(parameters.get("uuid"))).environment.slug
    except NotFound:
        return None


def to_look_at() -> list[UUID]:
    """Those whose time has come, and those that may not happen any more, the longest due first."""
    role = and_(
        EnvironmentRole.account_id == FlagSchedule.author_id,
        EnvironmentRole.environment_id == FlagSchedule.environment_id,
    )
    wanted = select(FlagSchedule.public_id).join(FlagSchedule.environment)
    wanted = wanted.outerjoin(Account, Account.id == FlagSchedule.author_id).outerjoin(EnvironmentRole, role)
    doubtful = or_(
        FlagSchedule.next_at <= func.clock_timestamp(),
        and_(Environment.approvals_needed > 0, ~FlagSchedule.is_approved),
        ~func.coalesce(suffices("operator", Account, EnvironmentRole), False),
    )
    wanted = wanted.where(FlagSchedule.state == "pending", doubtful)
    return list(db.session.scalars(wanted.order_by(FlagSchedule.next_at, FlagSchedule.id)))


def steps_of(schedule: FlagSchedule) -> list[ComingStep]:
    """What is still to come, each step beside what the flag is before it."""
    wanted = select(FlagSetting).where(
        FlagSetting.flag_id == schedule.flag_id, FlagSetting.environment_id == schedule.environment_id
    )
    return coming.steps_of(document_of(db.session.scalars(wanted).one()), schedule.coming)


def schedule_page(query: ListQuery) -> ListPage[ScheduleRow]:
    """Those to come first, the next one on top; then those that ended, the last one on top."""
    wanted = _rows()
    for name, column in (("state", FlagSchedule.state), ("environment", Environment.slug)):
        if value := query.filters.get(name):
            wanted = wanted.where(column == value)
    if query.q:
        words = (Flag.key, FlagSchedule.title, FlagSchedule.reason, FlagSchedule.author)
        wanted = wanted.where(or_(*(word.ilike(query.like()) for word in words)))
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    column = Flag.key if query.sort == "flag" else getattr(FlagSchedule, query.sort)
    order = (column.desc() if query.descending else column.asc()).nulls_last()
    wanted = wanted.order_by(order, FlagSchedule.ended_at.desc(), FlagSchedule.id.desc())
    rows = db.session.execute(wanted.limit(query.limit).offset(query.offset))
    return ListPage([ScheduleRow(*row) for row in rows], total, query, datetime.now(UTC))


def _rows() -> Select[*tuple[Any, ...]]:
    found = FlagSchedule
    return (
        select(
            found.public_id, found.state, Flag.key, Environment.slug, Environment.name, Environment.color,
            Environment.is_production, found.title, found.reason, found.author,
            found.created_at, found.next_at, func.json_array_length(found.steps), found.done_steps,
            found.ended_at, found.ended_by, found.why, and_(found.is_approved, Environment.approvals_needed > 0),
        )
        .join(found.flag)
        .join(found.environment)
    )  # fmt: skip
