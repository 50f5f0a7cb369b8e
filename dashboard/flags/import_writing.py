"""The writes of an import, a few statements for any number of flags."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ARRAY, Integer, any_, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import flag_modified

from dashboard.flags import rules
from dashboard.flags.carrying import carry
from dashboard.flags.import_plan import Plan, flags_of
from dashboard.flags.ledger import shared_document
from dashboard.flags.models import Flag, FlagVersion
from dashboard.flags.saving import filled
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.flags.shared import PLAIN, columns_of
from dashboard.flags.wire import Entry
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment

IMPORTED = "Imported from a file"
SETTLED = ("enabled", "default_variant", "unmet_variant", "updated_by", "reach", "outcome", "settled_at")


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
    new = {change.key: change.flag for plan in plans for change in plan.changes if change.key in created}
    _insert_versions([_version(flag, None, flag.version, shared_document(flag), None) for flag in new.values() if flag])


def write(plan: Plan, reason: str | None) -> list[int]:
    """Every change as the next version of its flag; the ids of those flags. What is scheduled is carried along.

    Rows of which the same columns are written are written in one statement.
    """
    place, versions, ids = plan.environment, list[dict[str, Any]](), list[int]()
    waiting = set(db.session.scalars(_scheduled_in(place)))
    with db.session.no_autoflush:
        for change in plan.changes:
            flag = change.flag
            if flag is None:
                continue
            setting = filled(flag, place, change.setting, rules.definition_of(change.document))
            for name in SETTLED if change.setting else ():
                flag_modified(setting, name)
            if flag.id in waiting:
                carry(flag, place, setting)
            versions.append(_version(flag, place, setting.version, change.document, reason or IMPORTED))
            ids.append(flag.id)
    db.session.flush()
    _insert_versions(versions)
    if ids:
        touched = (
            update(Flag)
            .where(Flag.id == any_(literal(ids, ARRAY(Integer))))
            .values(changed_at=func.now(), changed_by=current_author())
        )
        db.session.execute(touched.execution_options(synchronize_session=False))
    return ids


def _scheduled_in(environment: Environment) -> Any:
    return select(FlagSchedule.flag_id).where(
        FlagSchedule.environment_id == environment.id, FlagSchedule.state == "pending"
    )


def _version(
    flag: Flag, environment: Environment | None, version: int, document: dict[str, Any], reason: str | None
) -> dict[str, Any]:
    return {
        "flag_id": flag.id, "environment_id": environment.id if environment else None, "version": version,
        "document": document, "author": current_author(), "reason": reason,
    }  # fmt: skip


def _insert_versions(rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        db.session.execute(insert(FlagVersion), rows)
