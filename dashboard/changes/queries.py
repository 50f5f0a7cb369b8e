"""Questions to the change lane; it reads only its own table and the names of what it points to."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import Select, and_, func, or_, select

from dashboard.changes.models import Change
from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery
from dashboard.spans import time_param
from dashboard.store import db
from dashboard.targets.models import Environment, Target
from dashboard.targets.queries import ENVIRONMENT_COLUMNS

MOST_MARKS = 200
MINUTE, NEAR = timedelta(minutes=1), timedelta(minutes=30)
LARGEST_ID = 1 << 63


@dataclass(frozen=True)
class ChangeRow:
    id: int
    at: datetime
    noticed_after: datetime | None
    kind: str
    title: str
    author: str | None
    target: str | None
    environment: str | None
    environment_name: str | None
    environment_color: str | None
    environment_is_production: bool | None
    subject: str
    detail: dict[str, Any]

    def json(self) -> dict[str, Any]:
        hidden = {"environment_name", "environment_color", "environment_is_production"}
        return {key: value for key, value in vars(self).items() if key not in hidden}

    @property
    def href(self) -> str | None:
        """Where what changed can be read: the flag, the revision, the table; None when there is no page of it."""
        if self.kind == "flag":
            return f"/flags/{self.subject}"
        if self.target is None:
            return None
        rooms = {
            "migration": f"migrations/{self.subject}",
            "schema": self._page("schema"),
            "rewrite": self._page("tables"),
            "analyze": self._page("tables"),
            "index": self._page("tables"),
            "setting": f"server/settings/{self.subject}",
            "restart": "server",
            "crash": "server",
            "reset": "server",
            "failover": "server/replication",
            "session": "activity",
        }
        return f"/t/{self.target}/{rooms.get(self.kind, '')}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the recorder told, in words; what has parts of its own as JSON."""
        known = {name: value for name, value in self.detail.items() if value is not None}
        return [
            (name.replace("_", " ").capitalize(), value if isinstance(value, str) else json.dumps(value, indent=2))
            for name, value in known.items()
        ]

    def _page(self, room: str) -> str:
        """The page of the one relation that changed, or the list when there were several."""
        return f"{room}/{self.subject}" if "." in self.subject else room


def change_page(query: ListQuery, now: datetime) -> ListPage[ChangeRow]:
    """The changes of the window that fit search and filters, newest first unless asked otherwise."""
    found = _filtered(query, now)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    columns = {"at": Change.at, "kind": Change.kind, "title": func.lower(Change.title), "author": Change.author}
    column = columns[query.sort]
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    rows = db.session.execute(found.order_by(order, Change.id.desc()).limit(query.limit).offset(query.offset))
    return ListPage(rows=[_row(row) for row in rows], total=total, query=query, as_of=now)


def latest_changes(limit: int) -> list[ChangeRow]:
    rows = db.session.execute(_select().order_by(Change.at.desc(), Change.id.desc()).limit(limit))
    return [_row(row) for row in rows]


def target_changes(target: Target, limit: int) -> list[ChangeRow]:
    """The newest changes that may have touched this target."""
    found = _select().where(_touches(target.id, target.environment_id))
    return [_row(row) for row in db.session.execute(found.order_by(Change.at.desc(), Change.id.desc()).limit(limit))]


def subject_changes(target_id: int, kind: str, subject: str, limit: int = 50) -> list[ChangeRow]:
    """What happened to one thing of a target, as to one setting; newest first."""
    found = _select().where(Change.target_id == target_id, Change.kind == kind, Change.subject == subject)
    return [_row(row) for row in db.session.execute(found.order_by(Change.at.desc(), Change.id.desc()).limit(limit))]


def marks(target_id: int, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Marks for a chart of this target: its own changes and the flag changes of its environment, oldest first."""
    environment_id = select(Target.environment_id).where(Target.id == target_id).scalar_subquery()
    found = _select().where(_touches(target_id, environment_id), Change.at.between(since, until))
    rows = [_row(row) for row in db.session.execute(found.order_by(Change.at.desc()).limit(MOST_MARKS))]
    slug = db.session.scalar(select(Target.slug).where(Target.id == target_id)) if rows else None
    return [
        {
            "at": row.at,
            "title": row.title,
            "kind": row.kind,
            "href": f"/changes/{row.id}",
            "author": row.author,
            "between": partial(_between, slug),
        }
        for row in reversed(rows)
    ]


def change_by_id(change_id: int) -> ChangeRow:
    """Raises NotFound."""
    row = db.session.execute(_select().where(Change.id == change_id)).first() if change_id < LARGEST_ID else None
    if row is None:
        raise NotFound("No such change; changes of a target go with it.")
    return _row(row)


def neighbours(change: ChangeRow, limit: int = 20) -> list[ChangeRow]:
    """What else changed at about the same time, on the same target or in the same environment; oldest first."""
    environment_id = func.coalesce(Change.environment_id, Target.environment_id)
    own = select(Change.target_id, environment_id).outerjoin(Target, Target.id == Change.target_id)
    place = db.session.execute(own.where(Change.id == change.id)).one()
    near = Change.at.between(change.at - NEAR, change.at + NEAR)
    same = _touches(place[0], place[1]) if place[0] else environment_id == place[1]
    found = _select().where(near, same, Change.id != change.id).order_by(Change.at, Change.id)
    return [_row(row) for row in db.session.execute(found.limit(limit))]


def _between(slug: str | None, first: datetime, last: datetime) -> str:
    """The list of the changes that one place of a chart stands for."""
    times = {"from": time_param(first - MINUTE), "to": time_param(last + MINUTE)}
    return f"/changes?{urlencode({'target': slug} | times)}"


def _touches(target_id: int, environment_id: Any) -> Any:
    elsewhere = and_(Change.target_id.is_(None), Change.environment_id == environment_id)
    return or_(Change.target_id == target_id, elsewhere)


def _select() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Change.id,
            Change.at,
            Change.noticed_after,
            Change.kind,
            Change.title,
            Change.author,
            Target.slug.label("target"),
            *ENVIRONMENT_COLUMNS,
            Change.subject,
            Change.detail,
        )
        .outerjoin(Target, Target.id == Change.target_id)
        .outerjoin(Environment, Environment.id == func.coalesce(Change.environment_id, Target.environment_id))
    )


def _filtered(query: ListQuery, now: datetime) -> Select[*tuple[Any, ...]]:
    since, until = query.span(now)
    found = _select().where(Change.at > since, Change.at <= until)
    if query.q:
        words = query.like()
        found = found.where(or_(Change.title.ilike(words), Change.subject.ilike(words), Change.author.ilike(words)))
    if kind := query.filters.get("kind"):
        found = found.where(Change.kind == kind)
    if target := query.filters.get("target"):
        chosen = select(Target.id, Target.environment_id).where(Target.slug == target).subquery()
        found = found.where(
            or_(
                Change.target_id == select(chosen.c.id).scalar_subquery(),
                and_(
                    Change.target_id.is_(None),
                    Change.environment_id == select(chosen.c.environment_id).scalar_subquery(),
                ),
            )
        )
    if environment := query.filters.get("environment"):
        found = found.where(Environment.slug == environment)
    return found


def _row(row: Any) -> ChangeRow:
    return ChangeRow(**row._mapping)  # noqa: SLF001 - the documented way from a row to its fields
