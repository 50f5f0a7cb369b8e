"""The settings of a server as a list, and one of them with its history."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select

from dashboard.changes.queries import subject_changes
from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery
from dashboard.server.models import ServerSetting
from dashboard.server.units import value_text
from dashboard.store import db
from dashboard.targets.queries import probe_state

# initdb and the server itself set some: nobody chose them.
NOBODYS = ("default", "override")
SOURCES = {
    "default": "built in",
    "override": "by the server itself",
    "configuration file": "a file",
    "command line": "the command line",
    "environment variable": "the environment",
    "database": "ALTER DATABASE",
    "user": "ALTER ROLE",
    "database user": "ALTER ROLE in this database",
}
CONTEXTS = {
    "internal": "cannot be changed",
    "postmaster": "needs a restart",
    "sighup": "needs a reload",
    "superuser-backend": "from the next session on",
    "backend": "from the next session on",
    "superuser": "in any session, by a privileged role",
    "user": "in any session",
}


@dataclass(frozen=True)
class SettingRow:
    """A setting with its value as pg_settings has it, in `unit`; `is_changed`: somebody chose another than built in."""

    name: str
    value: str | None
    unit: str | None
    default_value: str | None
    source: str
    place: str | None
    category: str
    context: str | None
    description: str | None
    pending_restart: bool
    changed_at: datetime | None
    is_changed: bool

    @property
    def text(self) -> str:
        return value_text(self.value, self.unit)

    @property
    def default_text(self) -> str:
        return value_text(self.default_value, self.unit)

    @property
    def source_text(self) -> str:
        return SOURCES.get(self.source, self.source)

    @property
    def context_text(self) -> str | None:
        return CONTEXTS.get(self.context or "", self.context)


@dataclass(frozen=True)
class SettingChange:
    """One change of a setting; `noticed_after` is None where the time is exact, `waits`: only a restart brings it."""

    id: int
    at: datetime
    noticed_after: datetime | None
    before: str
    after: str
    source: str
    waits: bool


IS_CHANGED = and_(
    ServerSetting.value.is_distinct_from(ServerSetting.default_value), ServerSetting.source.not_in(NOBODYS)
)
WHICH = {
    "changed": IS_CHANGED,
    "pending": ServerSetting.pending_restart,
    "noticed": ServerSetting.changed_at.is_not(None),
}
SORTS = {
    "name": ServerSetting.name,
    "category": ServerSetting.category,
    "source": ServerSetting.source,
    "changed_at": ServerSetting.changed_at,
}


def setting_page(target_id: int, query: ListQuery) -> ListPage[SettingRow]:
    found = _select(target_id)
    if query.q:
        words = query.like()
        columns = (ServerSetting.name, ServerSetting.description, ServerSetting.value)
        found = found.where(or_(*(column.ilike(words) for column in columns)))
    if which := query.filters.get("which"):
        found = found.where(WHICH[which])
    if category := query.filters.get("category"):
        found = found.where(ServerSetting.category == category)
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    column = SORTS[query.sort]
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    rows = db.session.execute(found.order_by(order, ServerSetting.name).limit(query.limit).offset(query.offset))
    state = probe_state(target_id, "server")
    return ListPage([_row(row) for row in rows], total, query, as_of=state.as_of if state else None)


def setting_named(target_id: int, name: str) -> SettingRow:
    """Raises NotFound."""
    row = db.session.execute(_select(target_id).where(ServerSetting.name == name)).first()
    if row is None:
        raise NotFound("There is no setting of this name, or the watching role may not see it.")
    return _row(row)


def setting_changes(target_id: int, name: str) -> list[SettingChange]:
    """What the change lane knows of a setting, newest first."""
    return [
        SettingChange(
            change.id,
            change.at,
            change.noticed_after,
            value_text(change.detail.get("before"), change.detail.get("unit")),
            value_text(change.detail.get("after"), change.detail.get("unit")),
            SOURCES.get(str(change.detail.get("source")), str(change.detail.get("source"))),
            waits=change.detail.get("before") == change.detail.get("after"),
        )
        for change in subject_changes(target_id, "setting", name)
    ]


def counted(target_id: int) -> dict[str, int]:
    """How many settings there are of each filter, and in all."""
    columns = [func.count().filter(condition).label(name) for name, condition in WHICH.items()]
    found = select(func.count().label("all"), *columns).where(ServerSetting.target_id == target_id)
    return dict(db.session.execute(found).mappings().one())


def categories(target_id: int) -> list[str]:
    found = select(ServerSetting.category).where(ServerSetting.target_id == target_id).distinct()
    return list(db.session.scalars(found.order_by(ServerSetting.category)))


def _select(target_id: int) -> Any:
    names = [name for name in SettingRow.__dataclass_fields__ if name != "is_changed"]
    columns = [getattr(ServerSetting, name) for name in names]
    return select(*columns, IS_CHANGED.label("is_changed")).where(ServerSetting.target_id == target_id)


def _row(row: Any) -> SettingRow:
    return SettingRow(**row._mapping)  # noqa: SLF001 - the documented way from a row to its fields
