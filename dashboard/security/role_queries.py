"""Questions about who may do what in which environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery
from dashboard.security.guards import includes
from dashboard.security.models import ROLES, Account, EnvironmentRole, Role
from dashboard.store import db
from dashboard.targets.models import Environment


@dataclass(frozen=True)
class PersonRoles:
    """`grants`: slug → the role that holds there in place of `role`."""

    id: int
    email: str
    name: str
    role: str
    active: bool
    version: int
    grants: Mapping[str, str]
    slugs: Sequence[str]

    def json(self) -> dict[str, Any]:
        return self._shared() | {"environments": {slug: self.grants.get(slug, self.role) for slug in self.slugs}}

    def csv(self) -> dict[str, Any]:
        return self._shared() | {slug: self.grants.get(slug, self.role) for slug in self.slugs}

    def _shared(self) -> dict[str, Any]:
        return {"email": self.email, "name": self.name, "role": self.role, "active": self.active}


def people_roles(asked: ListQuery) -> ListPage[PersonRoles]:
    """Accounts with the role of each in every environment."""
    wanted = select(Account)
    if asked.q:
        wanted = wanted.where(or_(Account.email.ilike(asked.like()), Account.name.ilike(asked.like())))
    if slug := asked.filters.get("environment"):
        wanted = wanted.where(Account.id.in_(_granted(slug)))
    total = db.session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    column = getattr(Account, asked.sort)
    wanted = wanted.order_by(column.desc() if asked.descending else column, Account.email)
    accounts = list(db.session.scalars(wanted.limit(asked.limit).offset(asked.offset)))
    return ListPage(_with_grants(accounts), total, asked, datetime.now(UTC))


def person_roles(account_id: int) -> PersonRoles:
    """Raises NotFound."""
    account = db.session.scalar(select(Account).where(Account.id == account_id))
    if account is None:
        raise NotFound("There is no such account.")
    return _with_grants([account])[0]


def grants_of(account_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """Account → environment's slug → role, where it is another one than everywhere."""
    wanted = select(EnvironmentRole.account_id, Environment.slug, EnvironmentRole.role)
    wanted = wanted.join(Environment, Environment.id == EnvironmentRole.environment_id)
    wanted = wanted.where(EnvironmentRole.account_id.in_(account_ids)).order_by(Environment.position, Environment.slug)
    found: dict[int, dict[str, str]] = {}
    for account_id, slug, role in db.session.execute(wanted):
        found.setdefault(account_id, {})[slug] = role
    return found


def who_may(role: Role, environment_id: int) -> list[Account]:
    """Active accounts of at least this role in the environment."""
    granted = and_(EnvironmentRole.account_id == Account.id, EnvironmentRole.environment_id == environment_id)
    wanted = select(Account).outerjoin(EnvironmentRole, granted).where(suffices(role, Account, EnvironmentRole))
    return list(db.session.scalars(wanted.order_by(Account.email)))


def suffices(role: Role, account: type[Account], granted: type[EnvironmentRole] | None = None) -> ColumnElement[bool]:
    """Whether an account may do what takes this role: joined with its role in an environment there, else everywhere."""
    enough = [name for name in ROLES if includes(name, role)]
    held = func.coalesce(granted.role, account.role) if granted else account.role
    return and_(account.active, held.in_(enough))


def _with_grants(accounts: Sequence[Account]) -> list[PersonRoles]:
    slugs = list(db.session.scalars(select(Environment.slug).order_by(Environment.position, Environment.slug)))
    grants = grants_of([account.id for account in accounts])
    names = ("id", "email", "name", "role", "active", "version")
    return [
        PersonRoles(**{name: getattr(account, name) for name in names}, grants=grants.get(account.id, {}), slugs=slugs)
        for account in accounts
    ]


def _granted(slug: str) -> Select[int]:
    placed = Environment.id == EnvironmentRole.environment_id
    return select(EnvironmentRole.account_id).join(Environment, placed).where(Environment.slug == slug)
