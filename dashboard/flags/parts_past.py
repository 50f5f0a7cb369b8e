"""Questions about the versions of what the flags of an environment share: a segment, or (None) its bucketing."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import aliased

from dashboard.errors import NotFound
from dashboard.flags import compare, parts, past, segment_words
from dashboard.flags.bucketing import DEFAULT
from dashboard.flags.models import FlagVersion
from dashboard.flags.past import Meanwhile, Past
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment

Document = Mapping[str, Any]


def versions_of(environment: Environment, segment: str | None, query: ListQuery) -> ListPage[Past]:
    """Newest first."""
    wanted = _of(environment, segment)
    total = db.session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    return ListPage(list(_read(environment, wanted.limit(query.limit).offset(query.offset))), total, query)


def newest_of(environment: Environment, segment: str | None, limit: int) -> list[Past]:
    return list(_read(environment, _of(environment, segment).limit(limit)))


def version_of(environment: Environment, segment: str, version: int) -> Past:
    """Raises NotFound."""
    found = list(_read(environment, _of(environment, segment).where(FlagVersion.version == version)))
    if not found:
        raise NotFound(f"{segment} was never at version {version} in {environment.slug}.")
    return found[0]


def told(environment: Environment, segment: str, text: str) -> Meanwhile | None:
    """What `past.merged` wrote of a segment, looked up; None for words of somebody else."""
    match = past.MERGED.match(text)
    if match is None or match[1] != environment.slug:
        return None
    return past.between(parts.of(environment, segment), environment, int(match[2]), int(match[3]))


def _of(environment: Environment, segment: str | None) -> Select[FlagVersion, Any]:
    """Each version with the one before it."""
    earlier = aliased(FlagVersion)
    follows = and_(
        earlier.flag_id.is_(None),
        earlier.environment_id == FlagVersion.environment_id,
        func.coalesce(earlier.segment, "") == func.coalesce(FlagVersion.segment, ""),
        earlier.version == FlagVersion.version - 1,
    )
    wanted = select(FlagVersion, earlier.document).outerjoin(earlier, follows).where(*parts.of(environment, segment))
    return wanted.order_by(FlagVersion.version.desc())


def _read(environment: Environment, wanted: Select[FlagVersion, Any]) -> Iterator[Past]:
    for kept, before in db.session.execute(wanted):
        if kept.segment is None:
            differences = compare.differences(before or {"bucketing": DEFAULT}, kept.document)
        else:
            differences = segment_words.differences(before, kept.document)
        yield Past(kept.version, environment, kept.at, kept.author, kept.reason, kept.document, differences)
