"""What a request stands on and what changed of that since it was asked, for those who decide."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from dashboard.approvals.models import ChangeRequest
from dashboard.flags import segments, standing, targeting
from dashboard.flags.bucketing import DEFAULT, Bucketing
from dashboard.flags.holding import WHOLE
from dashboard.flags.models import Flag, FlagRevision, FlagVersion
from dashboard.flags.queries import Cell, drawing_in, row_of
from dashboard.flags.rebucketing import moved_shares
from dashboard.store import db
from dashboard.targets.models import Environment

LOOKED_AT = 500


@dataclass(frozen=True)
class Changed:
    """The last change of something that the request does not change itself."""

    what: str
    author: str
    at: datetime


@dataclass(frozen=True)
class Reach:
    """Whom an open request reaches: flags that use a segment, need a flag, or whose people another bucketing moves."""

    users: Sequence[str] = ()
    moves: Sequence[tuple[str, float]] | None = None
    cells: Sequence[Cell] = ()
    dependants: Sequence[standing.Dependant] = ()


def changed_since(request: ChangeRequest, environment: Environment) -> list[Changed]:
    """Segments that its rules refer to, flags that it needs and, where it has percentages, how they are drawn."""
    documents = [document for _, document in request.steps] if request.steps else [request.document]
    named = set[str]().union(*(targeting.references(document.get("targeting")) for document in documents))
    needed = {key for document in documents for key in document.get("prerequisites", ())}
    draws = any('"fractional"' in json.dumps(document.get("targeting")) for document in documents)
    found = [*_parts_since(request, environment, named, draws=draws), *_flags_since(request, environment, needed)]
    return sorted(found, key=lambda one: one.at)


def reach_of(request: ChangeRequest, environment: Environment) -> Reach:
    flag = db.session.get(Flag, request.flag_id) if request.flag_id else None
    if flag and request.action in WHOLE:
        cells = [cell for cell in row_of(flag).cells if cell.setting]
        return Reach(cells=cells, dependants=standing.dependants_of(flag.key))
    if request.action == "flag.bucketing":
        return Reach(moves=_moves(environment, request.document["bucketing"]))
    if request.action.startswith("segment."):
        return Reach(users=segments.used_by(environment).get(request.subject, []))
    return Reach()


def _parts_since(
    request: ChangeRequest, environment: Environment, named: Collection[str], *, draws: bool
) -> list[Changed]:
    of_these = FlagVersion.segment.in_(named)
    wanted = select(FlagVersion.segment, FlagVersion.author, FlagVersion.at).where(
        FlagVersion.flag_id.is_(None),
        FlagVersion.environment_id == environment.id,
        or_(of_these, FlagVersion.segment.is_(None)) if draws else of_these,
        FlagVersion.at > request.asked_at,
    )
    rows = db.session.execute(wanted.order_by(FlagVersion.id.desc()).limit(LOOKED_AT))
    return _last_of_each((f"segment {name}" if name else "bucketing", author, at) for name, author, at in rows)


def _flags_since(request: ChangeRequest, environment: Environment, keys: Collection[str]) -> list[Changed]:
    """Needed flags that were changed here or archived; describing one changes nothing for others."""
    wanted = select(Flag.key, FlagVersion.author, FlagVersion.at).join(Flag, Flag.id == FlagVersion.flag_id)
    wanted = wanted.where(
        Flag.key.in_(keys), FlagVersion.environment_id == environment.id, FlagVersion.at > request.asked_at
    )
    rows = db.session.execute(wanted.order_by(FlagVersion.id.desc()).limit(LOOKED_AT))
    found = _last_of_each((key, author, at) for key, author, at in rows)
    gone = select(Flag).where(Flag.key.in_(keys), Flag.archived_at > request.asked_at).order_by(Flag.key)
    archived = [
        Changed(f"{flag.key} (archived by now)", flag.archived_by or "", flag.archived_at)
        for flag in db.session.scalars(gone)
        if flag.archived_at
    ]
    return found + archived


def _last_of_each(newest_first: Iterable[tuple[str, str, datetime]]) -> list[Changed]:
    found: dict[str, Changed] = {}
    for what, author, at in newest_first:
        found.setdefault(what, Changed(what, author, at))
    return list(found.values())


def _moves(environment: Environment, wanted: Bucketing) -> list[tuple[str, float]]:
    held = db.session.scalar(select(FlagRevision.bucketing).where(FlagRevision.environment_id == environment.id))
    return moved_shares(drawing_in(environment), "v3" if held == "v3" else DEFAULT, wanted)
