"""The writes of an import, a few statements for any number of flags."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, Integer, Table, any_, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.flags import reach, rules
from dashboard.flags.import_plan import Change, Plan, flags_of
from dashboard.flags.models import Flag, FlagSetting, FlagVersion
from dashboard.flags.rules import Definition
from dashboard.flags.saving import stored
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.flags.shared import PLAIN, columns_of, document_of
from dashboard.flags.wire import Entry
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment

IMPORTED = "Imported from a file"
SETTINGS: Table = FlagSetting.metadata.tables["flag_setting"]
VERSIONS: Table = FlagVersion.metadata.tables["flag_version"]
Row = dict[str, Any]


def add_flags(entries: Sequence[Entry]) -> set[str]:
    """Flags that are not there yet, in the order in which everybody locks them; the keys of those that we added."""
    known, author = flags_of({entry.key for entry in entries}), current_author()
    new = {entry.key: entry for entry in sorted(entries, key=lambda one: one.key) if entry.key not in known}
    plain = columns_of(PLAIN)
    rows = [
        {"key": entry.key, "type": entry.type, "created_by": author}
        | (columns_of(entry.shared) if entry.shared else plain)
        for entry in new.values()
    ]
    if not rows:
        return set()
    adding = insert(Flag).on_conflict_do_nothing(index_elements=[Flag.key]).returning(Flag.key)
    return set(db.session.scalars(adding, rows))


def forget_flags(keys: Collection[str]) -> None:
    """Added a moment ago for something that was refused after all."""
    if keys:
        db.session.execute(delete(Flag).where(Flag.key.in_(keys)).execution_options(synchronize_session=False))


def keep_new(plans: Sequence[Plan], created: Collection[str]) -> None:
    """The first version of what all environments share, of the flags that this import added."""
    new = {change.key: change for plan in plans for change in plan.changes if change.key in created}
    plain = document_of(PLAIN, archived=False)
    rows = []
    for change in new.values():
        shared = change.entry.shared
        document = document_of(shared, archived=False) if shared else plain
        rows.append(_version(change, None, 1, document, None))
    _execute(VERSIONS.insert(), rows)


def write(plan: Plan, reason: str | None) -> list[int]:
    """Every change as the next version of its flag; the ids of those flags. What is scheduled is carried along."""
    place, waiting = plan.environment, set(db.session.scalars(_scheduled_in(plan.environment)))
    changes = [change for change in plan.changes if change.flag]
    versions = [_version(one, place, one.version + 1, one.document, reason or IMPORTED) for one in changes]
    ids = [version["flag_id"] for version in versions]
    for change in changes:
        if change.flag and change.flag.id in waiting:
            stored(change.flag, place, change.setting, rules.definition_of(change.document))
    db.session.flush()
    plain = [change for change in changes if change.flag and change.flag.id not in waiting]
    _execute(SETTINGS.insert(), [_row(change, place) for change in plain if change.setting is None])
    _execute(_updating(), [_row(change, place) for change in plain if change.setting])
    _execute(VERSIONS.insert(), versions)
    touched = update(Flag).where(Flag.id == any_(literal(ids, ARRAY(Integer))))
    touched = touched.values(changed_at=func.now(), changed_by=current_author())
    db.session.execute(touched.execution_options(synchronize_session=False))
    db.session.expire_all()
    return ids


def _scheduled_in(environment: Environment) -> Any:
    return select(FlagSchedule.flag_id).where(
        FlagSchedule.environment_id == environment.id, FlagSchedule.state == "pending"
    )


def _row(change: Change, environment: Environment) -> Row:
    """What `saving.filled` and `life.settle` make of a row; `row_id` is that of the one that it replaces."""
    definition, setting, now = rules.definition_of(change.document), change.setting, datetime.now(UTC)
    row: Row = {
        "enabled": definition.enabled,
        "variants": dict(definition.variants),
        "default_variant": definition.default_variant,
        "targeting": definition.targeting,
        "flag_metadata": dict(definition.metadata),
        "prerequisites": {key: list(names) for key, names in definition.prerequisites.items()} or None,
        "unmet_variant": definition.unmet_variant if definition.prerequisites else None,
        "version": change.version + 1,
        "updated_at": now,
        "updated_by": current_author(),
        **_settled(definition, setting, now),
    }
    if setting:
        return row | {"row_id": setting.id}
    return row | {"flag_id": change.flag.id if change.flag else None, "environment_id": environment.id}


def _settled(definition: Definition, setting: FlagSetting | None, now: datetime) -> Row:
    """What stands on other flags is settled when it is compiled."""
    if definition.prerequisites:
        held = (setting.reach, setting.outcome, setting.settled_at) if setting else ("partly", None, now)
        return dict(zip(("reach", "outcome", "settled_at"), held, strict=True))
    found = reach.reach_of(definition)
    stays = setting is not None and found.outcome is not None and setting.outcome == found.outcome
    return {
        "reach": found.state,
        "outcome": found.outcome,
        "settled_at": setting.settled_at if setting and stays else now,
    }


def _updating() -> Any:
    names = ("enabled", "variants", "default_variant", "targeting", "flag_metadata", "prerequisites", "unmet_variant",
             "version", "updated_at", "updated_by", "reach", "outcome", "settled_at")  # fmt: skip
    row = SETTINGS.update().where(SETTINGS.c.id == bindparam("row_id"))
    return row.values({name: bindparam(name, type_=SETTINGS.c[name].type) for name in names})


def _version(
    change: Change, environment: Environment | None, version: int, document: dict[str, Any], reason: str | None
) -> Row:
    return {
        "flag_id": change.flag.id if change.flag else None,
        "environment_id": environment.id if environment else None, "version": version,
        "document": document, "author": current_author(), "reason": reason,
    }  # fmt: skip


def _execute(statement: Any, rows: Sequence[Row]) -> None:
    if rows:
        db.session.connection().execute(statement, rows)
