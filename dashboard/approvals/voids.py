"""Why a request stands no longer, and whose change made it so."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from dashboard.approvals import rules
from dashboard.approvals.models import ChangeRequest
from dashboard.approvals.validity import OF_PART, VOID, with_facts
from dashboard.flags.everywhere import changes_of
from dashboard.flags.holding import PARTS, WHOLE
from dashboard.flags.models import Flag, FlagVersion
from dashboard.store import db


def why_void(request: ChangeRequest) -> str | None:
    """The code of why a request stands no longer, as the store has it now."""
    code: str | None = db.session.scalar(with_facts(select(VOID)).where(ChangeRequest.id == request.id))
    return code


def sentence_of(request: ChangeRequest, code: str) -> str:
    by, _ = made_void_by(request, code)
    return rules.void_sentence(
        code, subject=_named(request), place=request.place, author=request.author, by=by,
        everywhere=request.action in WHOLE,
    )  # fmt: skip


def made_void_by(request: ChangeRequest, code: str) -> tuple[str | None, datetime | None]:
    """Whose change it was, and when: the version that came in its place, or the flag's archiving."""
    if code not in {"archived", "restored", "changed"}:
        return None, None
    wanted: Select[*tuple[Any, ...]] = select(FlagVersion.author, FlagVersion.at)
    if code == "archived":
        wanted = select(Flag.archived_by, Flag.archived_at).where(Flag.id == request.flag_id)
    elif request.action in PARTS:
        wanted = wanted.select_from(ChangeRequest).join(FlagVersion, OF_PART)
        wanted = wanted.where(ChangeRequest.id == request.id, FlagVersion.version == request.base_version + 1)
    elif request.action in WHOLE:
        since = changes_of(db.session.get_one(Flag, request.flag_id)) - request.base_version
        wanted = wanted.where(FlagVersion.flag_id == request.flag_id)
        wanted = wanted.order_by(FlagVersion.id.desc()).offset(max(0, since - 1)).limit(1)
    else:
        wanted = wanted.where(
            FlagVersion.flag_id == request.flag_id,
            FlagVersion.environment_id == request.environment_id,
            FlagVersion.version == request.base_version + 1,
        )
    row = db.session.execute(wanted).one_or_none()
    return (row[0], row[1]) if row else (None, None)


def void_requests() -> list[ChangeRequest]:
    """Open ones that stand no longer, oldest first."""
    wanted = with_facts(select(ChangeRequest)).where(ChangeRequest.state == "open", VOID.is_not(None))
    return list(db.session.scalars(wanted.order_by(ChangeRequest.id).limit(500)))


def _named(request: ChangeRequest) -> str:
    if request.action == "flag.bucketing":
        return "Bucketing"
    return f"Segment {request.subject}" if request.action in PARTS else request.subject
