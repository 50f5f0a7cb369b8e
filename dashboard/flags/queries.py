"""Questions about flags."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, cast, or_, select
from sqlalchemy.orm import InstrumentedAttribute, undefer

from dashboard.errors import NotFound
from dashboard.flags import configuration, rules, wire
from dashboard.flags.ledger import definition_of, served_of
from dashboard.flags.models import Flag, FlagRevision, FlagSetting
from dashboard.flags.segment_models import FlagSegment
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments

DRAWS = '"fractional"'
Told = tuple[str, str, str | None, str, str, bool]


class Standing:
    """How a flag stands in one environment; `setting` None: it was never set there."""

    setting: Any

    @property
    def state(self) -> str:
        if self.setting is None:
            return "not_set"
        return "on" if self.setting.enabled else "off"

    @property
    def reach(self) -> str:
        return self.setting.reach if self.setting else "not_set"

    @property
    def version(self) -> int:
        return self.setting.version if self.setting else 0


@dataclass(frozen=True)
class Cell(Standing):
    """A flag in one environment, as the matrix shows it."""

    environment: Environment
    setting: FlagSetting | None

    @property
    def told(self) -> Told:
        if self.setting is None or not self.setting.enabled:
            return self.state, "", "", "", "", False
        return "on", self.reach, self.serves, self.value, self.shown, self.is_targeted

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
    def shown(self) -> str:
        return rules.shortened(self.serves or "", 24)

    @property
    def is_targeted(self) -> bool:
        return bool(self.setting and self.setting.targeting)

    @property
    def is_plain(self) -> bool:
        """A key with one value, which one field says."""
        setting = self.setting
        if setting is None:
            return False
        return setting.flag.kind == configuration.KIND and configuration.is_plain(definition_of(setting))

    @property
    def variants(self) -> list[tuple[str, str]]:
        setting = self.setting
        if setting is None:
            return []
        return [(name, wire.write_value(value, setting.flag.type)) for name, value in setting.variants.items()]

    @property
    def targeting_text(self) -> str:
        return json.dumps(self.setting.targeting, indent=2, ensure_ascii=False) if self.setting else ""


@dataclass(frozen=True)
class FlagRow:
    """A flag with everything that it is in each environment."""

    flag: Flag
    cells: Sequence[Cell]


def flag_by_key(key: str) -> Flag:
    """Raises NotFound."""
    flag = db.session.scalar(select(Flag).where(Flag.key == key))
    if flag is None:
        raise NotFound("There is no flag of this key.")
    return flag


def row_of(flag: Flag) -> FlagRow:
    return _rows([flag])[0]


def cell_of(flag: Flag, environment: Environment) -> Cell:
    wanted = select(FlagSetting).where(FlagSetting.flag_id == flag.id, FlagSetting.environment_id == environment.id)
    return Cell(environment, db.session.scalar(wanted))


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


def drawing_in(environment: Environment) -> dict[str, Any]:
    """Flag → the rule that applications get, of those that draw by percentages; archived flags left out."""
    segments = select(FlagSegment.name, FlagSegment.rule).where(FlagSegment.environment_id == environment.id)
    drawn = {row.name: row.rule for row in db.session.execute(segments.where(_says(FlagSegment.rule, DRAWS)))}
    served, own = FlagSetting.served, FlagSetting.targeting
    words = [DRAWS, *(f'"{name}"' for name in drawn)]
    wanted = select(Flag.key, own, served).join(FlagSetting.flag).order_by(Flag.key)
    wanted = wanted.where(FlagSetting.environment_id == environment.id, Flag.archived_at.is_(None))
    wanted = wanted.where(or_(*(_says(column, word) for column in (served, own) for word in words)))
    rules_of = {
        key: rule if whole is None else whole.get("targeting") for key, rule, whole in db.session.execute(wanted)
    }
    return {key: wire.inlined(rule, drawn) for key, rule in rules_of.items()}


def _says(column: InstrumentedAttribute[Any], word: str) -> ColumnElement[bool]:
    """Whether the text of JSON holds it."""
    return cast(column, String).contains(word, autoescape=True)


def _rows(flags: Sequence[Flag]) -> list[FlagRow]:
    environments = all_environments()
    wanted = select(FlagSetting).where(FlagSetting.flag_id.in_([flag.id for flag in flags]))
    settings = {
        (setting.flag_id, setting.environment_id): setting
        for setting in db.session.scalars(wanted.execution_options(populate_existing=True))
    }
    return [FlagRow(flag, [Cell(place, settings.get((flag.id, place.id))) for place in environments]) for flag in flags]
