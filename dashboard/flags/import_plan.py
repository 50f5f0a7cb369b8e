"""What an import would change: every flag of a file beside what is there. Reads the store and writes nothing."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ARRAY, Integer, Text, any_, literal, select
from sqlalchemy.orm import undefer

from dashboard.flags import compare, rules
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.ledger import document_of
from dashboard.flags.models import Flag, FlagRevision, FlagSetting
from dashboard.flags.segment_models import FlagSegment
from dashboard.flags.value_schema import variants_problem
from dashboard.flags.wire import Document, Entry, Refusal, inlined
from dashboard.store import db
from dashboard.targets.models import Environment

Part = tuple[Environment, Document]
FAILS = "{problem}; applications get an error when the rule gets there."
NAMED = 5


@dataclass(frozen=True)
class Change:
    """A flag that becomes something else; `setting` None: it is not set there yet, `flag` None: it is new."""

    entry: Entry
    document: dict[str, Any]
    flag: Flag | None
    setting: FlagSetting | None

    @property
    def key(self) -> str:
        return self.entry.key

    @property
    def version(self) -> int:
        return self.setting.version if self.setting else 0

    @property
    def before(self) -> dict[str, Any] | None:
        return document_of(self.setting) if self.setting else None

    @property
    def differences(self) -> list[compare.Difference]:
        return compare.differences(self.before, self.document)


@dataclass(frozen=True)
class Warned:
    """A sentence with the flags that it is said of."""

    sentence: str
    keys: Sequence[str]

    @property
    def named(self) -> str:
        more = f" and {len(self.keys) - NAMED:,} more" if len(self.keys) > NAMED else ""
        return f"{', '.join(self.keys[:NAMED])}{more}"


@dataclass(frozen=True)
class Plan:
    """For one environment; `metadata` is what the whole set gets (empty: it stays as it is)."""

    environment: Environment
    changes: Sequence[Change]
    unchanged: int
    refused: Sequence[Refusal]
    warnings: Sequence[Warned]
    metadata: Mapping[str, Any]

    @property
    def added(self) -> Sequence[Change]:
        return [change for change in self.changes if change.setting is None]

    @property
    def changed(self) -> Sequence[Change]:
        return [change for change in self.changes if change.setting is not None]


def plans_of(parts: Sequence[Part], *, locked: bool = False) -> list[Plan]:
    """What is there is read with all locks that others wait for when it is `locked`."""
    keys = {entry.key for _, document in parts for entry in document.flags}
    flags = flags_of(keys, locked=locked)
    types = {key: flag.type for key, flag in flags.items()}
    return [_plan(environment, document, flags, types) for environment, document in parts]


def flags_of(keys: Iterable[str], *, locked: bool = False) -> dict[str, Flag]:
    """In one order, as everybody who changes several flags locks them: by code point, however the store sorts."""
    wanted = select(Flag).where(Flag.key == any_(literal(sorted(keys), ARRAY(Text))))
    wanted = wanted.order_by(Flag.key.collate("C"))
    wanted = wanted.with_for_update() if locked else wanted
    return {flag.key: flag for flag in db.session.scalars(wanted.execution_options(populate_existing=True))}


def digest_of(plans: Sequence[Plan]) -> str:
    """The same for the same preview: of what would change, from which versions to what."""
    told = [
        [
            plan.environment.slug,
            [[change.key, change.version, change.document] for change in plan.changes],
            [[one.key, one.sentence] for one in plan.refused],
            plan.metadata,
        ]
        for plan in plans
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _plan(environment: Environment, document: Document, flags: Mapping[str, Flag], types: dict[str, str]) -> Plan:
    settings = _settings_of(environment, [flags[entry.key].id for entry in document.flags if entry.key in flags])
    segments = _segments_of(environment) if document.evaluators else {}
    changes, refused = list[Change](), list(document.refused)
    for entry in sorted(
        (_with_segments(entry, document, segments) for entry in document.flags), key=lambda one: one.key
    ):
        flag = flags.get(entry.key)
        setting = settings.get(flag.id) if flag else None
        if problem := _problem(flag, entry, types.setdefault(entry.key, entry.type)):
            refused.append(Refusal(entry.key, entry.line, problem))
            continue
        made = rules.document_of(rules.normal(entry.definition, types[entry.key]))
        if setting and any(compare.same_json(made, known) for known in (document_of(setting), setting.served)):
            continue
        if flag and (problem := variants_problem(flag.json_schema, made["variants"])):
            refused.append(Refusal(entry.key, entry.line, problem))
            continue
        changes.append(Change(entry, made, flag, setting))
    changes = _without_lost(changes, refused)
    unchanged = len(document.flags) + len(document.refused) - len(changes) - len(refused)
    refused.sort(key=lambda one: (one.line, one.key))
    return Plan(
        environment, changes, unchanged, refused, _warnings(document), _new_metadata(environment, document)
    )  # fmt: skip


def _problem(flag: Flag | None, entry: Entry, type_: str) -> str | None:
    if flag and flag.archived_at is not None:
        return "it is archived here; restore it first."
    if type_ != entry.type and not (type_ == "float" and entry.type == "integer"):
        return f"it is of type {type_} here, of type {entry.type} in the file."
    return None


def _with_segments(entry: Entry, document: Document, segments: Mapping[str, Any]) -> Entry:
    """Shared rules that are segments here, with the same rule, stay shared."""
    if entry.written is None:
        return entry
    known = [name for name, rule in document.evaluators.items() if compare.same_json(segments.get(name), rule)]
    others = {name: rule for name, rule in document.evaluators.items() if name not in known}
    return replace(entry, definition=replace(entry.definition, targeting=inlined(entry.written, others)))


def _without_lost(changes: Sequence[Change], refused: list[Refusal]) -> list[Change]:
    """What needs a flag that is refused is refused as well."""
    kept, gone = list(changes), {one.key for one in refused}
    while lost := [one for one in kept if gone & one.entry.definition.prerequisites.keys()]:
        refused += [Refusal(one.key, one.entry.line, "it needs a flag that is refused.") for one in lost]
        gone = {one.key for one in lost}
        kept = [one for one in kept if one.key not in gone]
    return kept


def _settings_of(environment: Environment, ids: Sequence[int]) -> dict[int, FlagSetting]:
    """Flag id → what it is here, with what it serves."""
    here = FlagSetting.environment_id == environment.id
    wanted = select(FlagSetting).where(here, FlagSetting.flag_id == any_(literal(ids, ARRAY(Integer))))
    wanted = wanted.options(undefer(FlagSetting.served)).execution_options(populate_existing=True)
    return {setting.flag_id: setting for setting in db.session.scalars(wanted)}


def _segments_of(environment: Environment) -> dict[str, Any]:
    wanted = select(FlagSegment.name, FlagSegment.rule).where(FlagSegment.environment_id == environment.id)
    return {row.name: row.rule for row in db.session.execute(wanted)}


def _new_metadata(environment: Environment, document: Document) -> Mapping[str, Any]:
    """The metadata of the whole set is that of the last import that had any."""
    revision = db.session.get(FlagRevision, environment.id, populate_existing=True)
    held = revision.set_metadata if revision else {}
    return {} if compare.same_json(held, dict(document.metadata)) else document.metadata


def _warnings(document: Document) -> list[Warned]:
    """Rules that flagd would load and fail on, and what is not quite as the file means it."""
    found: dict[str, list[str]] = defaultdict(list)
    for entry in document.flags:
        for sentence in entry.warnings:
            found[sentence].append(entry.key)
        for problem in compile_rule(entry.definition.targeting).problems if entry.definition.targeting else ():
            found[FAILS.format(problem=problem)].append(f"{entry.key} (line {entry.line})")
    return [Warned(sentence, keys) for sentence, keys in found.items()]
