"""Questions about findings to the store."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from dashboard.errors import NotFound
from dashboard.findings.models import LEVELS, Finding, FindingRun
from dashboard.history import queries as history
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db

LARGEST_ID = 2**63 - 1
STATES = ("open", "dismissed", "ended")


@dataclass(frozen=True)
class FindingRow:
    """A line of the list. `since` opens the evidence window; `up` are the statements that end it."""

    id: int
    level: str
    rule: str
    subject: str
    title: str
    why: str
    bytes: int | None
    since: datetime | None
    opened_at: datetime
    first_seen_at: datetime
    ended_at: datetime | None
    dismissed_by: str | None
    dismissed_reason: str | None
    dismissed_until: datetime | None
    source: str
    key: str
    up: list[str]


@dataclass(frozen=True)
class Counts:
    """How many findings of a target are in each state, and of the open ones of each level and rule."""

    states: dict[str, int]
    levels: dict[str, int]
    rules: dict[str, int]


SORTS = tuple(field.name for field in fields(FindingRow) if field.name != "up")


def level_rank(column: ColumnElement[str] | Any) -> ColumnElement[int]:
    return case({level: rank for rank, level in enumerate(LEVELS)}, value=column)


def is_dismissed(now: datetime) -> ColumnElement[bool]:
    """Set aside, not yet for too long, and no worse than it was then."""
    return and_(
        Finding.dismissed_until > now, level_rank(Finding.level) <= level_rank(Finding.dismissed_level)
    ).is_(True)  # fmt: skip


def state_of(now: datetime) -> ColumnElement[str]:
    return case((Finding.ended_at.is_not(None), "ended"), (is_dismissed(now), "dismissed"), else_="open")


def finding_page(target_id: int, query: ListQuery, now: datetime) -> ListPage[FindingRow]:
    """The findings that fit: open ones unless asked otherwise; worst first, then foreign keys by the rows that deletes
    read for want of their index, then what gives back most.
    """
    columns = [getattr(Finding, field.name) for field in fields(FindingRow)]
    found = _filtered(select(*columns).where(Finding.target_id == target_id), query, now)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    column: Any = level_rank(Finding.level) if query.sort == "level" else getattr(Finding, query.sort)
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    orders = (order, _rows_read().desc().nulls_last(), Finding.bytes.desc().nulls_last(), Finding.key)
    # Only the ids are sorted: thousands of reasons would not fit into the memory of a sort.
    shown = found.with_only_columns(Finding.id).order_by(*orders).limit(query.limit).offset(query.offset)
    rows = db.session.execute(select(*columns).where(Finding.id.in_(shown)).order_by(*orders))
    as_of = db.session.scalar(select(func.max(FindingRun.at)).where(FindingRun.target_id == target_id))
    return ListPage([FindingRow(**row) for row in rows.mappings()], total, query, as_of)


def _rows_read() -> ColumnElement[float | None]:
    """Rows a day; of nothing but foreign keys the details are opened for it. None where it is not known or none."""
    told = func.nullif(Finding.detail["rows_read_a_day"].as_float(), 0.0)
    return case((Finding.rule == "unindexed_foreign_key", told))


def counts(target_id: int, now: datetime) -> Counts:
    """One question for the chips, the filters and the words of the page."""
    state = state_of(now).label("state")
    found = select(state, Finding.level, Finding.rule, func.count().label("number"))
    rows = db.session.execute(
        found.where(Finding.target_id == target_id).group_by(state, Finding.level, Finding.rule).order_by(Finding.rule)
    ).all()
    states, levels, rules = dict.fromkeys(STATES, 0), dict.fromkeys(reversed(LEVELS), 0), dict[str, int]()
    for row in rows:
        states[row.state] += row.number
        rules.setdefault(row.rule, 0)
        if row.state == "open":
            levels[row.level] += row.number
            rules[row.rule] += row.number
    return Counts(states, levels, rules)


def open_counts(target_ids: Sequence[int], now: datetime) -> dict[int, dict[str, int]]:
    """Open findings of each target by level, `{7: {"critical": 1, "warning": 3}}`; targets without any are left out."""
    found = (
        select(Finding.target_id, Finding.level, func.count())
        .where(Finding.target_id.in_(target_ids), Finding.ended_at.is_(None), ~is_dismissed(now))
        .group_by(Finding.target_id, Finding.level)
        .order_by(Finding.target_id, level_rank(Finding.level).desc())
    )
    counted: dict[int, dict[str, int]] = {}
    for target_id, level, number in db.session.execute(found):
        counted.setdefault(target_id, {})[level] = number
    return counted


def runs(target_id: int) -> list[FindingRun]:
    """When each source judged this target last."""
    found = select(FindingRun).where(FindingRun.target_id == target_id)
    return list(db.session.scalars(found.order_by(FindingRun.source)))


def finding_by_id(target_id: int, finding_id: int) -> Finding:
    """Raises NotFound."""
    asked = select(Finding).where(Finding.target_id == target_id, Finding.id == finding_id)
    found = db.session.scalar(asked) if finding_id <= LARGEST_ID else None
    if found is None:
        raise NotFound("This target has no finding with this number; what ended long ago is forgotten.")
    return found


def state_in_words(finding: Finding, now: datetime) -> str:
    """The state of one finding, as the list filters it."""
    if finding.ended_at is not None:
        return "ended"
    until, level = finding.dismissed_until, finding.dismissed_level
    holds = until is not None and until > now and level is not None
    return "dismissed" if holds and LEVELS.index(finding.level) <= LEVELS.index(str(level)) else "open"


def heads_of(target_id: int) -> list[str]:
    """The newest revisions that a new migration follows: of the folder, else of the database; none when unknown."""
    nodes = history.nodes(target_id)
    if nodes:
        followed = {name for node in nodes for name in (*node.down_revisions, *node.depends_on)}
        return sorted(node.revision for node in nodes if node.revision not in followed)
    reading = history.last_reading(target_id)
    return sorted({head for heads in reading.places.values() for head in heads}) if reading else []


def _filtered(found: Select[Any], query: ListQuery, now: datetime) -> Select[Any]:
    found = found.where(state_of(now) == query.filters.get("state", "open"))
    if query.q:
        words = (Finding.subject, Finding.title, Finding.key)
        found = found.where(or_(*(word.ilike(query.like()) for word in words)))
    for name in ("level", "rule", "source"):
        if value := query.filters.get(name):
            found = found.where(getattr(Finding, name) == value)
    return found
