"""Server-side sessions: the cookie carries a random id, the store its hash, whose it is and what it remembers."""

import hashlib
import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response, current_app, request
from flask import session as current_session
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import Label, and_, delete, func, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from dashboard.security.models import Account, BrowserSession, EnvironmentRole
from dashboard.security.principals import Principal
from dashboard.settings import Settings
from dashboard.store import db
from dashboard.targets.models import Environment

log = logging.getLogger(__name__)
ANONYMOUS_FOR = timedelta(hours=1)
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Found:
    id: int
    content: dict[str, Any]
    account: Principal | None
    unseen: bool


class StoreSession(SessionMixin):
    """Loaded on first access, so that static files and health never ask the store.

    `failed`: the store did not answer; the session then looks empty and the guard answers 503.
    """

    def __init__(self, token: str | None) -> None:
        self.token = token
        self.failed = False
        self.ended = False
        self.modified = False
        self.cookie_due = False
        self.loaded = token is None
        self._found: Found | None = None
        self._content: dict[str, Any] = {}

    def load(self) -> None:
        if self.loaded or self.token is None:
            return
        self.loaded = True
        try:
            self._found = live_session(self.token)
        except (DBAPIError, PoolExhausted):
            log.warning("the store did not answer for a session", exc_info=True)
            db.session.rollback()
            self.failed = True
        self._content = dict(self._found.content) if self._found else {}

    @property
    def found(self) -> Found | None:
        self.load()
        return self._found

    @property
    def content(self) -> dict[str, Any]:
        self.load()
        return self._content

    @property
    def account(self) -> Principal | None:
        return self.found.account if self.found else None

    def become(self, token: str | None, found: Found | None) -> None:
        """Another id (after sign-in), or none (after sign-out)."""
        self.token, self._found, self._content, self.loaded = token, found, {}, True
        self.modified, self.cookie_due, self.ended = False, token is not None, token is None

    def __getitem__(self, name: str) -> Any:
        return self.content[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.content[name] = value
        self.modified = True

    def __delitem__(self, name: str) -> None:
        del self.content[name]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter(self.content)

    def __len__(self) -> int:
        return len(self.content)


class StoreSessions(SessionInterface):
    def open_session(self, _app: Flask, request: Request) -> StoreSession:
        token = request.cookies.get(cookie_name(request))
        return StoreSession(token if token and len(token) <= 100 else None)

    def save_session(self, _app: Flask, session: SessionMixin, response: Response) -> None:
        assert isinstance(session, StoreSession)  # noqa: S101 - open_session makes no other
        if session.accessed:
            response.vary.add("Cookie")
        if not session.failed:
            try:
                _save(session)
            except (DBAPIError, PoolExhausted):
                log.warning("a session could not be stored", exc_info=True)
                db.session.rollback()
        _send_cookie(session, response)


def init_app(app: Flask) -> None:
    app.session_interface = StoreSessions()


def cookie_name(asked: Request) -> str:
    return "__Host-pilothouse" if asked.is_secure else "pilothouse"


def this_session() -> StoreSession:
    session = current_session._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - the way Werkzeug gives
    assert isinstance(session, StoreSession)  # noqa: S101 - see above
    return session


def live_session(token: str) -> Found | None:
    """The session of this id unless it idled or lived too long, by the store's clock, or its account was disabled."""
    settings: Settings = current_app.extensions["pilothouse_settings"]
    idle, absolute = timedelta(minutes=settings.session_idle_min), timedelta(hours=settings.session_absolute_h)
    statement = (
        select(BrowserSession, (BrowserSession.seen_at < func.now() - SEEN_EVERY).label("unseen"), _grants())
        .outerjoin(Account, Account.id == BrowserSession.account_id)
        .where(
            BrowserSession.id_hash == hash_of(token),
            or_(
                and_(Account.active, BrowserSession.seen_at > func.now() - idle),
                and_(BrowserSession.account_id.is_(None), BrowserSession.seen_at > func.now() - ANONYMOUS_FOR),
            ),
            BrowserSession.created_at > func.now() - absolute,
        )
    )
    row = db.session.execute(statement).one_or_none()
    if row is None:
        return None
    stored: BrowserSession = row[0]
    return Found(stored.id, stored.content, _principal(stored.account, row.grants), row.unseen)


def begin(account: Account) -> None:
    """Sign this browser in, under a new id; the caller commits."""
    session = this_session()
    if session.found:
        db.session.execute(delete(BrowserSession).where(BrowserSession.id == session.found.id))
    token = secrets.token_urlsafe(32)
    row = _row(token, account.id, {})
    db.session.add(row)
    db.session.flush()
    grants = db.session.scalar(select(_grants()).where(BrowserSession.id == row.id))
    session.become(token, Found(row.id, {}, _principal(account, grants), unseen=False))


def end() -> None:
    """Sign this browser out; the caller commits."""
    session = this_session()
    if session.found:
        db.session.execute(delete(BrowserSession).where(BrowserSession.id == session.found.id))
    session.become(None, None)


def purge(now: datetime) -> int:
    """Forget sessions that ended by themselves; how many. A daily job."""
    settings: Settings = current_app.extensions["pilothouse_settings"]
    old = delete(BrowserSession).where(
        or_(
            BrowserSession.seen_at < now - timedelta(minutes=settings.session_idle_min),
            BrowserSession.created_at < now - timedelta(hours=settings.session_absolute_h),
            and_(BrowserSession.account_id.is_(None), BrowserSession.seen_at < now - ANONYMOUS_FOR),
        )
    )
    return len(db.session.scalars(old.returning(BrowserSession.id)).all())


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _grants() -> Label[Any]:
    """The roles of the session's account in environments, read along with the session: no question of its own."""
    held = select(func.json_object_agg(Environment.slug, EnvironmentRole.role))
    held = held.join_from(EnvironmentRole, Environment, Environment.id == EnvironmentRole.environment_id)
    return held.where(EnvironmentRole.account_id == BrowserSession.account_id).scalar_subquery().label("grants")


def _principal(account: Account | None, grants: dict[str, str] | None) -> Principal | None:
    if account is None:
        return None
    return Principal(
        "account", account.id, account.email, account.name, account.role, email=account.email, grants=grants or {}
    )


def _row(token: str, account_id: int | None, content: dict[str, Any]) -> BrowserSession:
    return BrowserSession(
        id_hash=hash_of(token),
        account_id=account_id,
        content=content,
        address=request.remote_addr or "",
        user_agent=request.user_agent.string[:300],
    )


def _save(session: StoreSession) -> None:
    """Store what changed in a transaction of its own: what a view left uncommitted must not slip through."""
    if not session.loaded or not (session.modified or (session.found and session.found.unseen)):
        return
    db.session.rollback()
    if session.found:
        changes = {"seen_at": func.now()} | ({"content": session.content} if session.modified else {})
        db.session.execute(update(BrowserSession).where(BrowserSession.id == session.found.id).values(changes))
    else:
        session.token, session.cookie_due = secrets.token_urlsafe(32), True
        db.session.add(_row(session.token, None, session.content))
    db.session.commit()


def _send_cookie(session: StoreSession, response: Response) -> None:
    name, secure = cookie_name(request), request.is_secure
    if session.ended:
        response.delete_cookie(name, secure=secure, httponly=True, samesite="Lax")
    elif session.cookie_due and session.token:
        response.set_cookie(name, session.token, secure=secure, httponly=True, samesite="Lax")
