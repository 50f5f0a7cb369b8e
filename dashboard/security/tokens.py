"""API keys: shown once, stored as a hash, scoped, expiring."""

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from flask import current_app
from flask.sansio.app import App
from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from dashboard.security.models import ApiKey
from dashboard.security.principals import Principal
from dashboard.security.sessions import hash_of
from dashboard.store import db

log = logging.getLogger(__name__)
PREFIXES = {"read": "ph_read_", "flags": "ph_flags_"}
USED_EVERY = timedelta(minutes=1)
FRESH_S = 5
EXTENSION = "pilothouse_keys"
FLAGS_KEYS = """
    select id, key_hash, name, role, kind, environment_id, browser, origins, expires_at,
           coalesce(used_at < now() - interval '1 minute', true) as unused
      from api_key
     where kind = 'flags'
       and revoked_at is null
       and (expires_at is null or expires_at > now())
  order by id
"""
USED = """
    update api_key
       set used_at = now()
     where id in (select id from api_key where id = any(%s) order by id for update skip locked)
"""


@dataclass(frozen=True)
class Known:
    """A flags key as the store had it."""

    principal: Principal
    expires_at: datetime | None


class FlagsKeys:
    """Every valid flags key in this process's memory. Whoever follows the store gives them all, about once a second."""

    def __init__(self) -> None:
        self._known: Mapping[bytes, Known] = {}
        self._taken_at: float | None = None
        self._used: set[int] = set()

    def take(self, rows: Sequence[Any], *, fresh: bool = True) -> list[int]:
        """Know the rows of FLAGS_KEYS and no others; the ids whose use is to be written down by now.

        Not fresh: they come from a copy, because the store does not answer.
        """
        self._known = {bytes(row.key_hash): Known(_principal(row), row.expires_at) for row in rows}
        self._taken_at = time.monotonic() if fresh else float("-inf")
        used, self._used = self._used, set()
        return [row.id for row in rows if row.unused and row.id in used]

    def known(self, key: str) -> Principal | None:
        """Whose key it is, if it is known here and has not expired; notes its use."""
        known = self._known.get(hash_of(key))
        if known is None or (known.expires_at is not None and known.expires_at <= datetime.now(UTC)):
            return None
        self._used.add(known.principal.id)
        return known.principal

    def find(self, key: str) -> Principal | None:
        """A known key never waits for the store. Another may be new: one question, while the store answers."""
        if found := self.known(key):
            return found
        if hash_of(key) in self._known:
            return None
        if self._taken_at is not None and time.monotonic() - self._taken_at > FRESH_S:
            return None
        found = self._asked(key)
        if found:
            self._used.add(found.id)
        return found

    def _asked(self, key: str) -> Principal | None:
        try:
            row = _row(key)
        except (DBAPIError, PoolExhausted):
            db.session.rollback()
            if self._taken_at is None:
                raise
            known = self._known.get(hash_of(key))  # from the copy, read while this waited
            return known.principal if known else None
        return _principal(row[0]) if row else None


def init_app(app: App) -> None:
    app.extensions[EXTENSION] = FlagsKeys()


def of(app: App) -> FlagsKeys:
    found: FlagsKeys = app.extensions[EXTENSION]
    return found


def new_key(kind: Literal["read", "flags"]) -> str:
    return PREFIXES[kind] + secrets.token_urlsafe(32)


def shown_prefix(key: str) -> str:
    """What lists show of a key, enough to recognise it."""
    return key[: key.index("_", 3) + 5]


def principal_of_key(key: str) -> Principal | None:
    """Whose key it is; None when unknown, revoked or expired.

    Flags keys are known from memory: flags are evaluated in an outage too, and nobody can revoke a key in a store
    that does not answer. A read key is never remembered.
    """
    if key.startswith(PREFIXES["flags"]):
        return of(current_app).find(key)
    row = _row(key) if key.startswith(PREFIXES["read"]) else None
    if row is None:
        return None
    asked_by = _principal(row[0])
    if row.unused:
        _mark_used(asked_by.id)
    return asked_by


def _row(key: str) -> Any:
    """The key if it is valid, and whether its use was not written down for a while."""
    live = select(ApiKey, (func.coalesce(ApiKey.used_at < func.now() - USED_EVERY, True)).label("unused"))
    live = live.where(
        ApiKey.key_hash == hash_of(key),
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
    )
    return db.session.execute(live).one_or_none()


def _principal(row: Any) -> Principal:
    return Principal(
        "key", row.id, f"key:{row.name}", row.name, row.role,
        environment_id=row.environment_id, key_kind=row.kind, browser=row.browser, origins=tuple(row.origins),
    )  # fmt: skip


def _mark_used(key_id: int) -> None:
    """A store that takes no writes must not stop reading."""
    try:
        db.session.execute(update(ApiKey).where(ApiKey.id == key_id).values(used_at=func.now()))
        db.session.commit()
    except (DBAPIError, PoolExhausted):
        log.warning("the use of key %s was not written down", key_id, exc_info=True)
        db.session.rollback()
