"""What applications get of flags that depend on others, compiled again whenever something that they stand on changes.

One change of an environment's flags at a time: whoever stores one holds the environment until the transaction's end,
so that what is compiled is made of what everybody sees, and no two people close a circle together.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, cast, func, select, update

from dashboard.errors import Invalid
from dashboard.flags import life, prerequisites, rules
from dashboard.flags.bucketing import DEFAULT, Bucketing
from dashboard.flags.compare import same_json
from dashboard.flags.compiled import Assembly, Step
from dashboard.flags.inlining import Tied
from dashboard.flags.ledger import definition_of
from dashboard.flags.models import Flag, FlagRevision, FlagSetting
from dashboard.flags.rules import Definition
from dashboard.flags.schedule_queries import coming_in
from dashboard.flags.segment_models import FlagSegment
from dashboard.store import db
from dashboard.targets.models import Environment

CHANGING = 0x666C6167


def hold(*environments: Environment) -> None:
    """Theirs are the flags that nobody else changes until the end of the transaction.

    Rows of flags are locked before, rows of settings written after it: in this order nobody waits for each other.
    """
    for number in sorted({environment.id for environment in environments}):
        db.session.execute(select(func.pg_advisory_xact_lock(cast(CHANGING, Integer), cast(number, Integer))))


def refresh(
    environment: Environment, flag_ids: Collection[int] = (), *, whole: bool = False, are_settled: bool = False
) -> set[int]:
    """Compile these flags and all that need them; whose answers changed, for `announce`. Raises Invalid.

    Those given count as changed by themselves, others when what they serve is another text. `whole`: all that is
    compiled here, after a change of what the flag set shares. `are_settled`: who gets what of those given is known by
    their own definitions already.
    """
    hold(environment)
    db.session.flush()
    coming = coming_in(environment)
    needs = needs_of(environment, coming)
    made = needs.keys() | coming.keys()
    changed = set(db.session.scalars(select(Flag.key).where(Flag.id.in_(flag_ids)))) if made else set[str]()
    _refuse_circle(needs, changed)
    affected = made if whole else prerequisites.dependants(needs, changed) | (changed & made)
    compiled = _compiled(environment, needs, affected)
    for flag_id, (before, after) in compiled.items():
        if flag_id in flag_ids or not same_json(before, after):
            _write(environment, [flag_id], after)
    _write(environment, set(flag_ids) - compiled.keys(), None)
    life.settle_compiled(environment, compiled.keys() if are_settled else compiled.keys() | set(flag_ids))
    return {id_ for id_, (before, after) in compiled.items() if not same_json(before, after)} | set(flag_ids)


def needs_of(environment: Environment, coming: Mapping[str, Sequence[Step]] | None = None) -> dict[str, set[str]]:
    """Flag → the flags that it needs here, now or by a change to come, archived ones among them."""
    wanted = select(Flag.key, FlagSetting.prerequisites).join(FlagSetting.flag).where(_needing(environment))
    needs = {key: set(needed) for key, needed in db.session.execute(wanted.order_by(Flag.key))}
    for key, steps in (coming_in(environment) if coming is None else coming).items():
        if later := {needed for _, definition in steps for needed in definition.prerequisites}:
            needs.setdefault(key, set()).update(later)
    return needs


def assembly_of(environment: Environment, keys: Iterable[str]) -> Assembly:
    """These flags, where they are set and not archived, in the flag set that they are asked in."""
    wanted = select(Flag.key, FlagSetting).join(FlagSetting.flag)
    wanted = wanted.where(FlagSetting.environment_id == environment.id, Flag.key.in_(keys), Flag.archived_at.is_(None))
    rows = db.session.execute(wanted.execution_options(populate_existing=True))
    found = {key: definition_of(setting) for key, setting in rows}
    segments = select(FlagSegment.name, FlagSegment.rule).where(FlagSegment.environment_id == environment.id)
    evaluators = {row.name: row.rule for row in db.session.execute(segments)}
    steps = {key: coming for key, coming in coming_in(environment).items() if key in found}
    return Assembly(found, steps, evaluators, bucketing=_bucketing(environment))


def would_serve(environment: Environment, key: str, definition: Definition) -> Definition:
    """What applications would get of a flag of this definition, as the flags that it needs are now. Raises Invalid."""
    needs = needs_of(environment) | {key: set(definition.prerequisites)}
    _refuse_circle(needs, [key])
    assembly = assembly_of(environment, prerequisites.needed_by(needs, [key]))
    try:
        return assembly.served(key, definition).definition
    except Tied as tied:
        raise Invalid({"prerequisites": _tied(key, tied)}) from None


def _refuse_circle(needs: prerequisites.Needs, keys: Iterable[str]) -> None:
    for key in sorted(keys):
        if way := prerequisites.circle(needs, key):
            raise Invalid({"prerequisites": f"This closes a circle: {', which needs '.join(way)}."})


def _tied(key: str, tied: Tied) -> str:
    return f"{key} cannot stand on the flags that it needs: the rule of one of them is its own, because {tied}."


def _compiled(
    environment: Environment, needs: prerequisites.Needs, keys: Collection[str]
) -> dict[int, tuple[dict[str, Any] | None, dict[str, Any] | None]]:
    """Flag id → what the flag serves by the store, and what it has to serve."""
    if not keys:
        return {}
    assembly = assembly_of(environment, prerequisites.needed_by(needs, keys) | set(keys))
    wanted = select(Flag.id, Flag.key, FlagSetting.served).join(FlagSetting.flag)
    wanted = wanted.where(FlagSetting.environment_id == environment.id, Flag.key.in_(keys)).order_by(Flag.key)
    rows = db.session.execute(wanted)
    return {id_: (served, served_document(assembly, key)) for id_, key, served in rows if key in assembly.definitions}


def served_document(assembly: Assembly, key: str) -> dict[str, Any] | None:
    """None where it is the definition itself. Raises Invalid."""
    own = assembly.definitions[key]
    try:
        served = assembly.served(key).definition
    except Tied as tied:
        raise Invalid({"prerequisites": _tied(key, tied)}) from None
    if len(served.variants) > rules.MAX_VARIANTS or rules.rule_problem(served.targeting):
        raise Invalid({"prerequisites": f"With the rules of the flags that it needs, {key} is too large."})
    document = rules.document_of(served)
    alone = rules.document_of(replace(own, prerequisites={}, unmet_variant=None))
    return None if same_json(document, alone) else document


def _write(environment: Environment, flag_ids: Collection[int], served: dict[str, Any] | None) -> None:
    if not flag_ids:
        return
    of_these = (FlagSetting.environment_id == environment.id, FlagSetting.flag_id.in_(flag_ids))
    change = update(FlagSetting).where(*of_these)
    change = change.values(served=served, served_version=FlagSetting.served_version + 1)
    db.session.execute(change.execution_options(synchronize_session=False))


def _needing(environment: Environment) -> ColumnElement[bool]:
    return and_(FlagSetting.environment_id == environment.id, FlagSetting.prerequisites.is_not(None))


def _bucketing(environment: Environment) -> Bucketing:
    held = db.session.scalar(select(FlagRevision.bucketing).where(FlagRevision.environment_id == environment.id))
    return "v3" if held == "v3" else DEFAULT
