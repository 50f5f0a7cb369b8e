"""Questions about people, their sessions, keys and the audit log."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, String, case, cast, func, or_, select

from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery
from dashboard.security.models import Account, ApiKey, AuditEntry, BrowserSession
from dashboard.security.rules import browser_words, difference
from dashboard.store import db
from dashboard.targets.models import Environment


@dataclass(frozen=True)
class Person:
    id: int
    email: str
    name: str
    role: str
    active: bool
    version: int
    sessions: int
    signed_in_at: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class Key:
    id: int
    name: str
    prefix: str
    kind: str
    role: str
    environment: str | None
    browser: bool
    origins: list[str]
    state: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True)
class OwnSession:
    id: int
    this: bool
    address: str
    user_agent: str
    created_at: datetime
    seen_at: datetime

    @property
    def browser(self) -> str:
        return browser_words(self.user_agent)


@dataclass(frozen=True)
class Entry:
    seq: int
    at: datetime
    author: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None
    address: str
    request_id: str

    @property
    def difference(self) -> list[tuple[str, str | None, str | None]]:
        return difference(self.before, self.after)


def people(asked: ListQuery) -> ListPage[Person]:
    """Accounts with how many sessions each has open."""
    statement = _people()
    if asked.q:
        statement = statement.where(or_(Account.email.ilike(asked.like()), Account.name.ilike(asked.like())))
    if "role" in asked.filters:
        statement = statement.where(Account.role == asked.filters["role"])
    return _page(statement, asked, Person, "email")


def person(account_id: int) -> Person:
    row = db.session.execute(_people().where(Account.id == account_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such account.")
    return Person(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def keys(asked: ListQuery) -> ListPage[Key]:
    statement = _keys()
    if asked.q:
        statement = statement.where(or_(ApiKey.name.ilike(asked.like()), ApiKey.prefix.ilike(asked.like())))
    for name, column in (("kind", ApiKey.kind), ("state", _state())):
        if name in asked.filters:
            statement = statement.where(column == asked.filters[name])
    return _page(statement, asked, Key, "id")


def key(key_id: int) -> Key:
    row = db.session.execute(_keys().where(ApiKey.id == key_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such key.")
    return Key(**row._mapping)  # noqa: SLF001 - see above


def environments() -> list[tuple[str, str]]:
    """(slug, name) of every environment, in its order."""
    rows = db.session.execute(select(Environment.slug, Environment.name).order_by(Environment.position, Environment.id))
    return [(slug, name) for slug, name in rows]


def sessions_of(account_id: int, asked: ListQuery, this_id: int) -> ListPage[OwnSession]:
    """Where an account is signed in; `this_id` is the session that asks."""
    statement: Select[*tuple[Any, ...]] = select(
        BrowserSession.id,
        (BrowserSession.id == this_id).label("this"),
        BrowserSession.address,
        BrowserSession.user_agent,
        BrowserSession.created_at,
        BrowserSession.seen_at,
    ).where(BrowserSession.account_id == account_id)
    if asked.q:
        text = asked.like()
        statement = statement.where(or_(BrowserSession.address.ilike(text), BrowserSession.user_agent.ilike(text)))
    return _page(statement, asked, OwnSession, "id")


def audit_entries(asked: ListQuery) -> ListPage[Entry]:
    columns = [getattr(AuditEntry, name) for name in Entry.__dataclass_fields__]
    statement = select(*columns)
    if asked.q:
        text = asked.like()
        statement = statement.where(
            or_(
                AuditEntry.subject.ilike(text),
                AuditEntry.author.ilike(text),
                AuditEntry.action.ilike(text),
                AuditEntry.reason.ilike(text),
                cast(AuditEntry.before, String).ilike(text),
                cast(AuditEntry.after, String).ilike(text),
            )
        )
    for name in ("author", "action"):
        if name in asked.filters:
            statement = statement.where(getattr(AuditEntry, name) == asked.filters[name])
    return _page(statement, asked, Entry, "seq")


def audit_words(name: str) -> list[str]:
    """The authors or actions that the log knows, for its filter."""
    column = {"author": AuditEntry.author, "action": AuditEntry.action}[name]
    return list(db.session.scalars(select(column).distinct().order_by(column).limit(200)))


def _people() -> Select[*tuple[Any, ...]]:
    opened = select(func.count()).where(BrowserSession.account_id == Account.id).scalar_subquery()
    return select(
        Account.id,
        Account.email,
        Account.name,
        Account.role,
        Account.active,
        Account.version,
        opened.label("sessions"),
        Account.signed_in_at,
        Account.created_at,
    )


def _state() -> Any:
    return case((ApiKey.revoked_at.is_not(None), "revoked"), (ApiKey.expires_at <= func.now(), "expired"), else_="live")


def _keys() -> Select[*tuple[Any, ...]]:
    return select(
        ApiKey.id,
        ApiKey.name,
        ApiKey.prefix,
        ApiKey.kind,
        ApiKey.role,
        Environment.slug.label("environment"),
        ApiKey.browser,
        ApiKey.origins,
        _state().label("state"),
        ApiKey.created_at,
        ApiKey.created_by,
        ApiKey.expires_at,
        ApiKey.used_at,
    ).outerjoin(Environment, Environment.id == ApiKey.environment_id)


def _page(statement: Select[*tuple[Any, ...]], asked: ListQuery, kind: type[Any], unique: str) -> ListPage[Any]:
    """One page in the order asked for; `unique` settles ties, so that no row shows twice."""
    found = statement.subquery()
    total = db.session.scalar(select(func.count()).select_from(found)) or 0
    column = found.c[asked.sort]
    order = column.desc().nulls_last() if asked.descending else column.asc().nulls_last()
    rows = db.session.execute(select(found).order_by(order, found.c[unique]).limit(asked.limit).offset(asked.offset))
    return ListPage([kind(**row._mapping) for row in rows], total, asked, datetime.now(UTC))  # noqa: SLF001 - see above
