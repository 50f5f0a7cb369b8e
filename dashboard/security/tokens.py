"""API keys: shown once, stored as a hash, scoped, expiring."""

import logging
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from flask import current_app
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
LAST_KNOWN_S = 86_400
CACHE = "pilothouse_keys"


@dataclass
class Known:
    """A flags key as this process last read it; `asked_at` on the monotonic clock, also when the store was silent."""

    principal: Principal
    expires_at: datetime | None
    asked_at: float
    read_at: float


def new_key(kind: Literal["read", "flags"]) -> str:
    return PREFIXES[kind] + secrets.token_urlsafe(32)


def shown_prefix(key: str) -> str:
    """What lists show of a key, enough to recognise it."""
    return key[: key.index("_", 3) + 5]


def principal_of_key(key: str) -> Principal | None:
    """Whose key it is; None when unknown, revoked or expired.

    Flags keys are remembered for 5 s, and for a day while the store is silent: flags are evaluated in an outage too,
    and nobody can revoke a key in a store that does not answer. A read key is never remembered.
    """
    if not key.startswith(PREFIXES["flags"]):
        return _read(key)
    cache: dict[bytes, Known] = current_app.extensions.setdefault(CACHE, {})
    digest, now = hash_of(key), time.monotonic()
    known = cache.get(digest)
    if known and now - known.asked_at < FRESH_S:
        return _unless_expired(known)
    if known:
        known.asked_at = now  # one request asks again; those beside it need not wait for a silent store as well
    try:
        found = _read(key)
    except (DBAPIError, PoolExhausted):
        db.session.rollback()
        if known is None or now - known.read_at > LAST_KNOWN_S:
            raise
        known.asked_at = time.monotonic()
        return _unless_expired(known)
    cache.pop(digest, None)
    if found:
        cache[digest] = Known(found, _expiry(found.id), now, now)
    return found


def forget_known() -> None:
    """A key was revoked here: this process at once, others within 5 s."""
    current_app.extensions.pop(CACHE, None)


def _read(key: str) -> Principal | None:
    live = select(ApiKey, (func.coalesce(ApiKey.used_at < func.now() - USED_EVERY, True)).label("unused"))
    live = live.where(
        ApiKey.key_hash == hash_of(key),
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
    )
    row = db.session.execute(live).one_or_none()
    if row is None:
        return None
    found: ApiKey = row[0]
    asked_by = Principal(
        "key", found.id, f"key:{found.name}", found.name, found.role,
        environment_id=found.environment_id, key_kind=found.kind, browser=found.browser, origins=tuple(found.origins),
    )  # fmt: skip
    if row.unused:
        _mark_used(found.id)
    return asked_by


def _mark_used(key_id: int) -> None:
    """A store that takes no writes must not stop reading."""
    try:
        db.session.execute(update(ApiKey).where(ApiKey.id == key_id).values(used_at=func.now()))
        db.session.commit()
    except (DBAPIError, PoolExhausted):
        log.warning("the use of key %s was not written down", key_id, exc_info=True)
        db.session.rollback()


def _expiry(key_id: int) -> datetime | None:
    return db.session.scalar(select(ApiKey.expires_at).where(ApiKey.id == key_id))


def _unless_expired(known: Known) -> Principal | None:
    return known.principal if known.expires_at is None or known.expires_at > datetime.now(UTC) else None
