"""Sign-in slows down with every failure, for the account and for the address, and recovers by itself."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import delete, func, select

from dashboard.errors import PilothouseError
from dashboard.security.models import FailedSignIn
from dashboard.security.rules import wait_s
from dashboard.store import db

REMEMBERED = timedelta(minutes=15)


@dataclass(frozen=True)
class Limit:
    """`free` failures within 15 minutes cost nothing, then the wait doubles up to `longest_s`."""

    free: int
    longest_s: int


PAIR = Limit(free=5, longest_s=300)
ACCOUNT = Limit(free=20, longest_s=60)
ADDRESS = Limit(free=30, longest_s=300)


class TooMany(PilothouseError):  # noqa: N818 - reads as what happened
    status = 429

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"Too many attempts. Try again in {retry_after_s} seconds.")


def subjects(email: str, address: str) -> dict[bytes, Limit]:
    """What is counted. The account alone has the mildest limit: a stranger must not keep its owner out."""
    return {
        _hash("pair", email, address): PAIR,
        _hash("account", email): ACCOUNT,
        _hash("address", address): ADDRESS,
    }


def attempt(email: str, address: str) -> None:
    """Count an attempt as failed before it is looked at, so that a burst counts too. Raises TooMany; commits."""
    counted = subjects(email, address)
    now, failures = _failures(list(counted))
    waits = [
        wait_s(failures.get(subject, []), now, free=limit.free, longest_s=limit.longest_s)
        for subject, limit in counted.items()
    ]
    if max(waits):
        raise TooMany(max(waits))
    db.session.add_all(FailedSignIn(subject_hash=subject, at=now) for subject in counted)
    db.session.commit()


def succeeded(email: str, address: str) -> None:
    """It was the right password: this pair and account start afresh, the address loses its last count."""
    pair, account, of_address = subjects(email, address)
    db.session.execute(delete(FailedSignIn).where(FailedSignIn.subject_hash.in_([pair, account])))
    last = select(func.max(FailedSignIn.id)).where(FailedSignIn.subject_hash == of_address).scalar_subquery()
    db.session.execute(delete(FailedSignIn).where(FailedSignIn.id == last))


def purge(now: datetime) -> int:
    """Forget what no longer counts; how many rows. A daily job."""
    old = delete(FailedSignIn).where(FailedSignIn.at < now - REMEMBERED)
    return len(db.session.scalars(old.returning(FailedSignIn.id)).all())


def _failures(hashes: list[bytes]) -> tuple[datetime, dict[bytes, list[datetime]]]:
    """The store's time, and when each subject failed of late."""
    statement = (
        select(FailedSignIn.subject_hash, FailedSignIn.at)
        .where(FailedSignIn.subject_hash.in_(hashes), FailedSignIn.at > func.now() - REMEMBERED)
        .order_by(FailedSignIn.at)
        .limit(1_000)
    )
    found: dict[bytes, list[datetime]] = {}
    for subject, at in db.session.execute(statement):
        found.setdefault(bytes(subject), []).append(at)
    now: datetime = db.session.scalars(select(func.clock_timestamp())).one()
    return now, found


def _hash(*words: str) -> bytes:
    """Keyed: the table does not tell who tried, nor can it be guessed from a list of addresses."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, "\x00".join(words).lower().encode("utf-8", "replace"), hashlib.sha256).digest()
