"""Questions about flags."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, any_, exists, func, literal, or_, select
from sqlalchemy.orm import undefer

from dashboard.errors import NotFound
from dashboard.flags import rules, wire
from dashboard.flags.ledger import served_of
from dashboard.flags.models import Flag, FlagRevision, FlagSetting
from dashboard.flags.segment_models import FlagSegment
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments


@dataclass(frozen=True)
class Cell:
    """A flag in one environment, as the matrix shows it."""

    environment: Environment
    setting: FlagSetting | None

    @property
    def state(self) -> str:
        if self.setting is None:
            return "not_set"
        return "on" if self.setting.enabled else "off"

    @property
    def version(self) -> int:
        return self.setting.version if self.setting else 0

    @property
    def serves(self) -> str | None:
        """The variant that everybody gets who is not targeted; None: the default in code."""
        return self.setting.default_variant if self.setting and self.setting.enabled else None

    @property
    def value(self) -> str:
        """The served variant's value as JSON, shortened."""
        if self.setting is None or self.serves is None:
            return ""
        return rules.shortened(wire.write_value(self.setting.variants[self.serves], self.setting.flag.type), 40)

    @property
    def is_targeted(self) -> bool:
        return bool(self.setting and self.setting.targeting)

    @property
    def variants(self) -> list[tuple[str, str]]:
        setting = self.setting
        if setting is None:
            return []
        return [(name, wire.write_value(value, setting.flag.type)) for name, value in setting.variants.items()]

    @property
    def targeting_text(self) -> str:
        return json.dumps(self.setting.targeting, indent=2, ensure_ascii=False) if self.setting else ""

    def json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "version": self.version,
            "variant": self.serves,
            "targeted": self.is_targeted,
            "updated_at": self.setting.updated_at if self.setting else None,
        }


@dataclass(frozen=True)
class FlagRow:
    flag: Flag
    cells: Sequence[Cell]
    updated_at: datetime
    updated_by: str

    def json(self) -> dict[str, Any]:
        return self._shared() | {
            "environments": {cell.environment.slug: cell.json() for cell in self.cells if cell.setting}
        }

    def csv(self) -> dict[str, Any]:
        return self._shared() | {cell.environment.slug: cell.state for cell in self.cells}

    def _shared(self) -> dict[str, Any]:
        return {
            "key": self.flag.key,
            "type": self.flag.type,
            "kind": self.flag.kind,
            "owner": self.flag.owner,
            "tags": self.flag.tags,
            "description": self.flag.description,
            "archived_at": self.flag.archived_at,
            "updated_at": self.updated_at,
            "updated_by": self.updated_by,
        }


def flag_by_key(key: str) -> Flag:
    """Raises NotFound."""
    flag = db.session.scalar(select(Flag).where(Flag.key == key))
    if flag is None:
        raise NotFound("There is no flag of this key.")
    return flag


def matrix(query: ListQuery) -> ListPage[FlagRow]:
    """Flags that fit the search and the filters, with what they are in every environment."""
    wanted = _filtered(query)
    total = db.session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    flags = list(db.session.scalars(wanted.limit(query.limit).offset(query.offset)))
    return ListPage(_rows(flags), total, query, db.session.scalar(select(func.max(FlagRevision.changed_at))))


def row_of(flag: Flag) -> FlagRow:
    return _rows([flag])[0]


def cell_of(flag: Flag, environment: Environment) -> Cell:
    wanted = select(FlagSetting).where(FlagSetting.flag_id == flag.id, FlagSetting.environment_id == environment.id)
    return Cell(environment, db.session.scalar(wanted))


def owners_and_tags() -> tuple[list[str], list[str]]:
    """What the filters offer."""
    owners = select(Flag.owner).where(Flag.owner != "", Flag.archived_at.is_(None)).distinct().order_by(Flag.owner)
    tag = func.unnest(Flag.tags).label("tag")
    tags = select(tag).where(Flag.archived_at.is_(None)).distinct().order_by(tag)
    return list(db.session.scalars(owners.limit(200))), list(db.session.scalars(tags.limit(200)))


def document_of(environment: Environment) -> str:
    """The environment as a flagd document, archived flags left out."""
    wanted = (
        select(FlagSetting, Flag)
        .join(FlagSetting.flag)
        .options(undefer(FlagSetting.served))
        .where(FlagSetting.environment_id == environment.id, Flag.archived_at.is_(None))
        .order_by(Flag.key)
        .execution_options(populate_existing=True)
    )
    revision = db.session.get(FlagRevision, environment.id)
    flags = [(flag.key, flag.type, served_of(setting)) for setting, flag in db.session.execute(wanted)]
    segments = select(FlagSegment.name, FlagSegment.rule).where(FlagSegment.environment_id == environment.id)
    evaluators = {row.name: row.rule for row in db.session.execute(segments.order_by(FlagSegment.name))}
    return wire.write_document(flags, revision.set_metadata if revision else {}, evaluators)


def _rows(flags: Sequence[Flag]) -> list[FlagRow]:
    environments = all_environments()
    wanted = select(FlagSetting).where(FlagSetting.flag_id.in_([flag.id for flag in flags]))
    settings = {
        (setting.flag_id, setting.environment_id): setting
        for setting in db.session.scalars(wanted.execution_options(populate_existing=True))
    }
    return [_row(flag, [Cell(place, settings.get((flag.id, place.id))) for place in environments]) for flag in flags]


def _row(flag: Flag, cells: Sequence[Cell]) -> FlagRow:
    changes = [(cell.setting.updated_at, cell.setting.updated_by) for cell in cells if cell.setting]
    at, by = max(changes, default=(flag.created_at, flag.created_by))
    return FlagRow(flag, cells, at, by)


def _filtered(query: ListQuery) -> Select[Flag]:
    wanted = select(Flag)
    archived = query.filters.get("archived") == "1"
    wanted = wanted.where(Flag.archived_at.is_not(None) if archived else Flag.archived_at.is_(None))
    if query.q:
        columns = (Flag.key, Flag.description, Flag.owner, func.array_to_string(Flag.tags, ","))
        wanted = wanted.where(or_(*(column.ilike(query.like(), escape="\\") for column in columns)))
    for name, column in (("kind", Flag.kind), ("type", Flag.type), ("owner", Flag.owner)):
        if value := query.filters.get(name):
            wanted = wanted.where(column == value)
    if tag := query.filters.get("tag"):
        wanted = wanted.where(literal(tag) == any_(Flag.tags))
    if state := query.filters.get("state"):
        wanted = wanted.where(_has_state(state, query.filters.get("environment")))
    order = _sort_column(query.sort)
    return wanted.order_by(order.desc() if query.descending else order.asc(), Flag.key)


def _has_state(state: str, slug: str | None) -> ColumnElement[bool]:
    """In that environment, or in any of them."""
    here = and_(FlagSetting.flag_id == Flag.id, FlagSetting.environment_id == Environment.id)
    if state == "not_set":
        found = exists().where(Environment.id.is_not(None), ~exists().where(here).correlate(Flag, Environment))
    else:
        found = exists().where(here, FlagSetting.enabled == (state == "on"))
    return found.where(Environment.slug == slug) if slug else found


def _sort_column(sort: str) -> ColumnElement[Any]:
    if sort != "updated_at":
        return {"key": Flag.key, "type": Flag.type, "kind": Flag.kind, "owner": Flag.owner}[sort].expression
    last = select(func.max(FlagSetting.updated_at)).where(FlagSetting.flag_id == Flag.id)
    return func.coalesce(last.scalar_subquery(), Flag.created_at)
