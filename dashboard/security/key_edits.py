"""Making and revoking API keys."""

import re
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from dashboard.errors import Invalid, NotFound
from dashboard.security import tokens
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.security.models import ApiKey
from dashboard.security.rules import one_line
from dashboard.security.sessions import hash_of
from dashboard.store import db
from dashboard.targets.models import Environment

KINDS = ("read", "flags")
LONGEST_D = 3_650
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?\Z")


def create_key(
    *,
    name: str,
    kind: str,
    environment: str | None = None,
    browser: bool = False,
    origins: list[str] | None = None,
    expires_days: int | None = None,
) -> tuple[ApiKey, str]:
    """The stored key and its words, which nobody can read again. Raises Invalid with every field."""
    problems: dict[str, str] = {}
    words = tokens.new_key("flags" if kind == "flags" else "read")
    key = ApiKey(
        name=_name(name, problems),
        prefix=tokens.shown_prefix(words),
        key_hash=hash_of(words),
        kind=_kind(kind, problems),
        role="viewer",
        environment_id=_environment_id(kind, environment, problems),
        browser=browser,
        origins=_origins(kind, browser, origins or [], problems),
        created_by=current_author(),
        expires_at=_expiry(expires_days, problems),
    )
    if problems:
        raise Invalid(problems)
    db.session.add(key)
    db.session.flush()
    audit("key.create", f"key:{key.name}", after=_told(key, environment))
    return key, words


def free_name(stem: str) -> str:
    """`stem`, or with the first number that no live key has: a script that makes keys gives no names."""
    taken = set(
        db.session.scalars(select(ApiKey.name).where(ApiKey.name.startswith(stem), ApiKey.revoked_at.is_(None)))
    )
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return next(name for name in (stem, *numbered) if name not in taken)


def revoke_key(key_id: int) -> None:
    """For good; revoking again changes nothing."""
    key = db.session.scalar(select(ApiKey).where(ApiKey.id == key_id).with_for_update())
    if key is None:
        raise NotFound("There is no such key.")
    if key.revoked_at is not None:
        return
    key.revoked_at = func.now()
    db.session.flush()
    audit("key.revoke", f"key:{key.name}", before={"prefix": key.prefix, "kind": key.kind})


def _told(key: ApiKey, environment: str | None) -> dict[str, object]:
    return {
        "prefix": key.prefix,
        "kind": key.kind,
        "environment": environment,
        "browser": key.browser,
        "origins": key.origins,
        "expires_at": key.expires_at,
    }


def _name(text: str, problems: dict[str, str]) -> str:
    name = one_line("name", text, problems, longest=60)
    live = select(ApiKey.id).where(ApiKey.name == name, ApiKey.revoked_at.is_(None)).limit(1)
    if "name" not in problems and db.session.scalar(live) is not None:
        problems["name"] = f"A key called {name} is in use; revoke it first or take another name."
    return name


def _kind(kind: str, problems: dict[str, str]) -> str:
    if kind not in KINDS:
        problems["kind"] = f"The kind is one of: {', '.join(KINDS)}."
    return kind


def _expiry(days: int | None, problems: dict[str, str]) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= LONGEST_D:
        problems["expires_days"] = f"From 1 to {LONGEST_D} days, or empty for never."
        return None
    return datetime.now(UTC) + timedelta(days=days)


def _environment_id(kind: str, slug: str | None, problems: dict[str, str]) -> int | None:
    if kind != "flags":
        if slug:
            problems["environment"] = "A key for reading belongs to no environment."
        return None
    found = db.session.scalar(select(Environment.id).where(Environment.slug == (slug or "").replace("\x00", "")))
    if found is None:
        problems["environment"] = f"There is no environment {slug!r}." if slug else "A flags key needs its environment."
    return found


def _origins(kind: str, browser: bool, origins: list[str], problems: dict[str, str]) -> list[str]:
    cleaned = [origin.strip().lower().rstrip("/") for origin in origins if origin.strip()]
    if browser and kind != "flags":
        problems["browser"] = "Only a flags key can be used by a web page."
    elif browser and not cleaned:
        problems["origins"] = "Name the origins of the web pages that use this key, like https://shop.example."
    elif cleaned and not browser:
        problems["origins"] = "Origins belong to a key that web pages use."
    elif wrong := next((origin for origin in cleaned if not _ORIGIN.match(origin)), None):
        problems["origins"] = f"{wrong[:100]!r} is no origin: scheme and host, like https://shop.example."
    return cleaned
