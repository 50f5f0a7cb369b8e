"""Changes of flags → messages for the channels that tell of them, each change once; and what a message tells."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from dashboard.alerts.flag_wire import FlagChange
from dashboard.alerts.models import AlertChannel, AlertMessage, FlagNotice
from dashboard.flags.models import Flag, FlagVersion
from dashboard.settings import Settings
from dashboard.store import db
from dashboard.targets.models import Environment

TOLD_WITHIN = timedelta(days=1)
AT_ONCE = 50_000
IN_FULL = 500


def tell_of_flags(now: datetime) -> int:
    """Write the messages that are due, one for each channel; returns how many. Twice writes them once.

    Versions are looked for by what was not told, never by the last number seen: a transaction that began early may
    end late.
    """
    due: dict[int, list[int]] = defaultdict(list)
    for channel_id, version_id in db.session.execute(_untold(now)):
        due[channel_id].append(version_id)
    for channel_id, version_ids in due.items():
        message = AlertMessage(channel_id=channel_id, state="waiting", created_at=now, next_attempt_at=now)
        db.session.add(message)
        db.session.flush()
        rows = [
            {"version_id": version_id, "channel_id": channel_id, "message_id": message.id} for version_id in version_ids
        ]
        db.session.execute(insert(FlagNotice).on_conflict_do_nothing(), rows)
    return len(due)


def changes_told_by(message_id: int) -> tuple[list[FlagChange], int]:
    """The changes of a message, oldest first, and how many more it stands for: a file of flags makes one message."""
    found = (
        select(FlagVersion, Flag.key, Environment.slug, _before())
        .join(FlagNotice, FlagNotice.version_id == FlagVersion.id)
        .outerjoin(Flag, Flag.id == FlagVersion.flag_id)
        .outerjoin(Environment, Environment.id == FlagVersion.environment_id)
        .where(FlagNotice.message_id == message_id)
        .order_by(FlagVersion.id)
        .limit(IN_FULL)
    )
    every = select(func.count()).select_from(FlagNotice).where(FlagNotice.message_id == message_id)
    told = [
        FlagChange(
            flag=key, segment=kept.segment, environment=slug, version=kept.version, at=kept.at, author=kept.author,
            reason=kept.reason, before=before, after=kept.document, url=_url(key, kept.segment, slug),
        )
        for kept, key, slug, before in db.session.execute(found)
    ]  # fmt: skip
    return told, max(0, (db.session.scalar(every) or 0) - IN_FULL)


def _before() -> ColumnElement[Any]:
    """The document of the version before: of the same flag, or of the same part of what flags share."""
    earlier = aliased(FlagVersion)
    of_flag = and_(
        earlier.flag_id == FlagVersion.flag_id,
        earlier.environment_id.is_not_distinct_from(FlagVersion.environment_id),
    )
    of_part = and_(
        earlier.flag_id.is_(None),
        FlagVersion.flag_id.is_(None),
        earlier.environment_id == FlagVersion.environment_id,
        func.coalesce(earlier.segment, "") == func.coalesce(FlagVersion.segment, ""),
    )
    documents = [
        select(earlier.document)
        .where(which, earlier.version == FlagVersion.version - 1)
        .correlate(FlagVersion)
        .scalar_subquery()
        for which in (of_flag, of_part)
    ]
    return func.coalesce(*documents)


def _url(key: str | None, segment: str | None, slug: str | None) -> str:
    """Where the change is to be seen."""
    settings: Settings = current_app.extensions["pilothouse_settings"]
    page = f"{key}" if key else f"segments/{slug}/{segment}/history" if segment else f"bucketing/{slug}"
    return f"{settings.url or ''}/flags/{page}"


def _untold(now: datetime) -> Select[Any, Any]:
    """A change of what all environments share concerns every channel that tells of flags."""
    told = aliased(FlagNotice)
    concerns = and_(
        AlertChannel.is_on,
        FlagVersion.at >= AlertChannel.tells_flags_since,
        or_(
            AlertChannel.environment_id.is_(None),
            FlagVersion.environment_id.is_(None),
            AlertChannel.environment_id == FlagVersion.environment_id,
        ),
    )
    is_told = exists().where(told.version_id == FlagVersion.id, told.channel_id == AlertChannel.id)
    found = select(AlertChannel.id, FlagVersion.id).select_from(FlagVersion).join(AlertChannel, concerns)
    found = found.where(FlagVersion.at > now - TOLD_WITHIN, ~is_told.correlate(FlagVersion, AlertChannel))
    return found.order_by(FlagVersion.id).limit(AT_ONCE)
