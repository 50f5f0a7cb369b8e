"""Questions about the versions of a flag."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import aliased

from dashboard.errors import NotFound
from dashboard.flags import compare
from dashboard.flags.models import Flag, FlagVersion
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments

EVERYWHERE = "everywhere"
SHARED = ""
MERGED = re.compile(r"([^:]{0,100}):(\d{1,9}):(\d{1,9})\Z", re.ASCII)


@dataclass(frozen=True)
class Past:
    """One version with what it changed; `environment` None: what all environments share."""

    version: int
    environment: Environment | None
    at: datetime
    author: str
    reason: str | None
    document: dict[str, Any]
    differences: Sequence[compare.Difference]

    def json(self) -> dict[str, Any]:
        return self.csv() | {"document": self.document}

    def csv(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "environment": self.environment.slug if self.environment else EVERYWHERE,
            "version": self.version,
            "author": self.author,
            "reason": self.reason,
            "changed": ", ".join(item.field for item in self.differences),
        }


@dataclass(frozen=True)
class Meanwhile:
    """What others did between the version that a form showed and the one that was made of it.

    `environment` None: to what all environments share.
    """

    environment: Environment | None
    version: int
    authors: Sequence[str]
    differences: Sequence[compare.Difference]


def versions_of(flag: Flag, query: ListQuery) -> ListPage[Past]:
    """The versions of one environment, of what all share, or of both, newest first."""
    wanted = _of(flag)
    if slug := query.filters.get("environment"):
        ids = [place.id for place in all_environments() if place.slug == slug]
        wanted = wanted.where(FlagVersion.environment_id.in_(ids) if ids else FlagVersion.environment_id.is_(None))
    total = db.session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    return ListPage(_read(wanted.limit(query.limit).offset(query.offset)), total, query)


def newest_of(flag: Flag, limit: int) -> list[Past]:
    return _read(_of(flag).limit(limit))


def version_of(flag: Flag, environment: Environment | None, version: int) -> Past:
    """Raises NotFound."""
    here = FlagVersion.environment_id.is_not_distinct_from(environment.id if environment else None)
    found = _read(_of(flag).where(here, FlagVersion.version == version))
    if not found:
        where = f"in {environment.slug}" if environment else "of what all environments share"
        raise NotFound(f"{flag.key} was never at version {version} {where}.")
    return found[0]


def meanwhile(flag: Flag, environment: Environment | None, seen: int, made: int) -> Meanwhile | None:
    """None when nobody else changed anything between the two."""
    place = environment.id if environment else None
    own = (FlagVersion.flag_id == flag.id, FlagVersion.environment_id.is_not_distinct_from(place))
    return between(own, environment, seen, made)


def between(
    own: Sequence[ColumnElement[bool]], environment: Environment | None, seen: int, made: int
) -> Meanwhile | None:
    """`own`: whose versions they are."""
    if made - seen < 2:
        return None
    wanted = select(FlagVersion.document).where(*own, FlagVersion.version.in_({seen, made - 1}))
    ends = list(db.session.scalars(wanted.order_by(FlagVersion.version)))
    if len(ends) < 2:
        return None
    authors = select(FlagVersion.author).where(*own, FlagVersion.version > seen, FlagVersion.version < made)
    authors = authors.distinct().order_by(FlagVersion.author)
    differences = compare.differences(ends[0], ends[1])
    return Meanwhile(environment, made, list(db.session.scalars(authors.limit(10))), differences)


def merged(slug: str, seen: int, made: int) -> str | None:
    """What a page is told to explain: `slug:seen:made`, None when nothing lies between; SHARED: what all share."""
    return f"{slug}:{seen}:{made}" if made - seen > 1 else None


def told(flag: Flag, text: str) -> Meanwhile | None:
    """What `merged` wrote, looked up; None for words of somebody else."""
    match = MERGED.match(text)
    place = next((place for place in all_environments() if match and place.slug == match[1]), None)
    if match is None or (place is None and match[1] != SHARED):
        return None
    return meanwhile(flag, place, int(match[2]), int(match[3]))


def _of(flag: Flag) -> Select[FlagVersion, Any]:
    """Each version with the one before it."""
    earlier = aliased(FlagVersion)
    follows = and_(
        earlier.flag_id == FlagVersion.flag_id,
        earlier.environment_id.is_not_distinct_from(FlagVersion.environment_id),
        earlier.version == FlagVersion.version - 1,
    )
    wanted = select(FlagVersion, earlier.document).outerjoin(earlier, follows).where(FlagVersion.flag_id == flag.id)
    return wanted.order_by(FlagVersion.at.desc(), FlagVersion.id.desc())


def _read(wanted: Select[FlagVersion, Any]) -> list[Past]:
    places = {place.id: place for place in all_environments()}
    return [
        Past(
            version=kept.version,
            environment=places.get(kept.environment_id or 0),
            at=kept.at,
            author=kept.author,
            reason=kept.reason,
            document=kept.document,
            differences=compare.differences(before, kept.document),
        )
        for kept, before in db.session.execute(wanted)
    ]
