"""The list of configuration: every key with its value in each environment, or every value as a row of its own."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, cast, func, literal, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB

from dashboard.errors import NotFound
from dashboard.flags import rules, wire
from dashboard.flags.configuration import KIND
from dashboard.flags.list_filters import last_change
from dashboard.flags.models import Flag, FlagSetting
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment

Asked = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]
SORTS = ("key", "type", "updated_at", "created_at")
LONGEST = 400
SHOWN = 120
COUNTED = func.count().over().label("total")
VALUE = cast(FlagSetting.variants.op("->")(FlagSetting.default_variant), Text)
IS_PLAIN = FlagSetting.targeting.is_(None) & FlagSetting.prerequisites.is_(None)
COLUMNS: tuple[Any, ...] = (
    FlagSetting.flag_id, FlagSetting.public_id, FlagSetting.environment_id, FlagSetting.enabled, FlagSetting.version,
    FlagSetting.created_at, FlagSetting.updated_at, FlagSetting.updated_by, IS_PLAIN.label("is_plain"),
    Flag.key, Flag.type, Flag.description, Flag.owner, Flag.tags, Environment.slug,
)  # fmt: skip


@dataclass(frozen=True)
class Value:
    """What a key holds in an environment; it has no value where no variant is the default, which is not null."""

    row: Found

    @property
    def value(self) -> Any:
        return None if self.row.text is None else json.loads(self.row.text)

    @property
    def text(self) -> str:
        """The value as JSON, shortened; one that was cut in the store cannot be read as JSON any more."""
        raw = self.row.text
        if raw is None:
            return ""
        whole = raw if len(raw) >= LONGEST else wire.write_value(json.loads(raw), self.row.type)
        return rules.shortened(whole, SHOWN)

    def json(self) -> dict[str, Any]:
        return self._said() | {"value": self.value}

    def csv(self) -> dict[str, Any]:
        text = None if self.row.text is None else wire.write_value(self.value, self.row.type)
        return self._said() | {"value": text}

    def _said(self) -> dict[str, Any]:
        row = self.row
        return {
            "id": str(row.public_id),
            "key": row.key,
            "environment": row.slug,
            "type": row.type,
            "value": None,
            "has_value": row.text is not None,
            "state": "on" if row.enabled else "off",
            "targeted": not row.is_plain,
            "version": row.version,
            "description": row.description,
            "owner": row.owner,
            "tags": row.tags,
            "created_at": row.created_at,
            "updated_at": row.updated_at,
            "updated_by": row.updated_by,
        }


@dataclass(frozen=True)
class Key:
    """A key with what it is in every environment; None where it is not set."""

    flag: Found
    cells: Sequence[tuple[Environment, Value | None]]


def keys(query: ListQuery, places: Sequence[Environment]) -> ListPage[Key]:
    """For the page: as many questions as for one key, values cut to what is shown."""
    columns: tuple[Any, ...] = (Flag.id, Flag.key, Flag.type, Flag.description, Flag.owner, Flag.tags, Flag.created_at)
    wanted = select(*columns, Flag.changed_at, Flag.changed_by, Flag.created_by, Flag.archived_at, COUNTED)
    wanted = wanted.where(*_conditions(query)).order_by(*_order(query)).limit(query.limit).offset(query.offset)
    found = db.session.execute(wanted).all()
    total = found[0].total if found else _count(select(Flag.id).where(*_conditions(query)))
    asked = _values(func.left(VALUE, LONGEST)).where(FlagSetting.flag_id.in_([row.id for row in found]))
    values = {(row.flag_id, row.environment_id): Value(row) for row in db.session.execute(asked)}
    rows = [Key(row, [(place, values.get((row.id, place.id))) for place in places]) for row in found]
    return ListPage(rows, total, query, _as_of())


def values(query: ListQuery) -> ListPage[Value]:
    """For machines: one row for each key and environment, values whole."""
    wanted = _values(VALUE).where(*_conditions(query), _here(query))
    shown = wanted.order_by(*_order(query), Environment.position, Environment.slug)
    rows = [Value(row) for row in db.session.execute(shown.limit(query.limit).offset(query.offset))]
    return ListPage(rows, _count(wanted), query, _as_of())


def values_of(flag: Flag, slugs: Sequence[str] | None = None) -> list[Value]:
    """One key in these environments, or wherever it is set."""
    wanted = _values(VALUE).where(Flag.id == flag.id, true() if slugs is None else Environment.slug.in_(slugs))
    return [Value(row) for row in db.session.execute(wanted.order_by(Environment.position, Environment.slug))]


def configuration_by_key(key: str) -> Flag:
    """Raises NotFound, also for flags of other kinds."""
    flag = db.session.scalar(select(Flag).where(Flag.key == key, Flag.kind == KIND))
    if flag is None:
        raise NotFound("There is no configuration of this key.")
    return flag


def _values(text: ColumnElement[Any]) -> Asked:
    return (
        select(*COLUMNS, text.label("text"))
        .join(Flag, Flag.id == FlagSetting.flag_id)
        .join(Environment, Environment.id == FlagSetting.environment_id)
    )


def _conditions(query: ListQuery) -> list[ColumnElement[bool]]:
    asked = query.filters
    is_archived = Flag.archived_at.is_not(None) if asked.get("archived") == "1" else Flag.archived_at.is_(None)
    found: list[ColumnElement[bool]] = [Flag.kind == KIND, is_archived]
    if query.q:
        columns = (Flag.key, Flag.description, Flag.owner, func.array_to_string(Flag.tags, ","))
        inside = cast(cast(VALUE, JSONB), Text).ilike(query.like(), escape="\\")
        holding = Flag.id.in_(select(FlagSetting.flag_id).where(inside))
        found.append(or_(*(column.ilike(query.like(), escape="\\") for column in columns), holding))
    for name, column in (("type", Flag.type), ("owner", Flag.owner)):
        if value := asked.get(name):
            found.append(column == value)
    if tag := asked.get("tag"):
        found.append(literal(tag) == func.any(Flag.tags))
    if slug := asked.get("environment"):
        places = select(FlagSetting.flag_id).join(Environment, Environment.id == FlagSetting.environment_id)
        found.append(Flag.id.in_(places.where(Environment.slug == slug)))
    return found


def _here(query: ListQuery) -> ColumnElement[bool]:
    slug = query.filters.get("environment")
    return Environment.slug == slug if slug else true()


def _order(query: ListQuery) -> list[ColumnElement[Any]]:
    columns = {"updated_at": Flag.changed_at, "created_at": Flag.created_at, "type": Flag.type, "key": Flag.key}
    column = columns[query.sort].expression
    turned = column.desc() if query.descending else column.asc()
    return [turned] if query.sort == "key" else [turned, Flag.key.expression]


def _count(wanted: Asked | Select[int]) -> int:
    return db.session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0


def _as_of() -> Any:
    return db.session.scalar(select(last_change()))
