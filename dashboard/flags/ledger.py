"""How a change of a flag is written down: once, as a version, a revision to poll, in the lane and in the audit log."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.dialects.postgresql import insert

from dashboard.changes import record as changes
from dashboard.errors import Invalid
from dashboard.flags import compare, rules, shared
from dashboard.flags.models import Flag, FlagOperation, FlagRevision, FlagSetting, FlagVersion
from dashboard.flags.rules import Definition
from dashboard.flags.shared import Shared
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment

CHANNEL = "pilothouse_flags"
MOST_NAMED = 100
FORGET = text("""
    delete from flag_operation
     where id in (select id
                    from flag_operation
                   where at < now() - interval '1 day'
                   order by at
                   limit 100
                     for update skip locked)
""")


def claim(operation_id: str | None) -> bool:
    """True for whoever carries this form out first; a second click waits for the first one's end, then gets False."""
    if operation_id is None:
        return True
    if not 8 <= len(operation_id) <= 100 or not operation_id.isprintable():
        raise Invalid({"operation_id": "The form is incomplete. Reload the page and try again."})
    db.session.execute(FORGET)
    row = insert(FlagOperation).values(id=operation_id).on_conflict_do_nothing().returning(FlagOperation.id)
    return db.session.scalar(row) is not None


@dataclass(frozen=True)
class Change:
    """What a notification tells: the change of this number touched these flags (none named: anything)."""

    environment_id: int
    revision: int
    flag_ids: tuple[int, ...]


def announce(environment_ids: Iterable[int], flag_ids: Collection[int] = ()) -> None:
    """Count the change where processes poll for it, and wake those that listen.

    Naming the flags spares every process to look for them; whose answers depend on them have to be named as well.
    """
    named = sorted(flag_ids) if len(flag_ids) <= MOST_NAMED else []
    for environment_id in sorted(environment_ids):
        row = insert(FlagRevision).values(environment_id=environment_id, revision=1)
        counted = {"revision": FlagRevision.revision + 1, "changed_at": func.now()}
        upsert = row.on_conflict_do_update(index_elements=[FlagRevision.environment_id], set_=counted)
        revision = db.session.scalar(upsert.returning(FlagRevision.revision))
        db.session.execute(select(func.pg_notify(CHANNEL, json.dumps([environment_id, revision, named]))))


def change_of(payload: str) -> Change | None:
    """The change that `announce` told of; None for words of somebody else."""
    try:
        environment_id, revision, flag_ids = json.loads(payload)
        return Change(int(environment_id), int(revision), tuple(map(int, flag_ids)))
    except (ValueError, TypeError):
        return None


def keep(
    flag: Flag, environment: Environment | None, version: int, document: dict[str, Any], reason: str | None
) -> None:
    """This is what the flag was from now on, in an environment or (None) for all that they share."""
    kept = FlagVersion(
        flag_id=flag.id,
        environment_id=environment.id if environment else None,
        version=version,
        document=document,
        author=current_author(),
        reason=reason or None,
    )
    db.session.add(kept)
    flag.changed_at, flag.changed_by = datetime.now(UTC), kept.author


def kept(flag: Flag, environment: Environment | None, version: int) -> dict[str, Any] | None:
    """What the flag was at that version; None when nobody ever saw it there."""
    wanted = select(FlagVersion.document).where(
        FlagVersion.flag_id == flag.id, _in(environment), FlagVersion.version == version
    )
    return db.session.scalar(wanted)


def kept_since(flag: Flag, environment: Environment | None, version: int) -> list[dict[str, Any]]:
    """What the flag was at that version and at every later one; empty when nobody ever saw it at that one."""
    wanted = select(FlagVersion.version, FlagVersion.document).where(
        FlagVersion.flag_id == flag.id, _in(environment), FlagVersion.version >= version
    )
    found = list(db.session.execute(wanted.order_by(FlagVersion.version)))
    return [document for _, document in found] if found and found[0].version == version else []


def write_down(
    action: str,
    flag: Flag,
    environment: Environment | None,
    title: str,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    reason: str | None,
    at: datetime | None = None,
) -> None:
    """Lane and audit; `at`: when it happened, unless now.

    Values go there as text: the audit log seals jsonb, which does not keep numbers as written.
    """
    environment_id = environment.id if environment else None
    detail = {"reason": reason} if reason else {}
    changes.record(
        "flag", title, subject=flag.key, environment_id=environment_id, author=current_author(), detail=detail, at=at
    )
    subject = f"{flag.key} in {environment.slug}" if environment else flag.key
    old = compare.flat(before) if before is not None else None
    audit(action, subject, before=old, after=dict(compare.flat(after)), reason=reason or None)


def definition_of(setting: FlagSetting) -> Definition:
    return Definition(
        enabled=setting.enabled,
        variants=setting.variants,
        default_variant=setting.default_variant,
        targeting=setting.targeting,
        metadata=setting.flag_metadata,
        prerequisites=setting.prerequisites or {},
        unmet_variant=setting.unmet_variant,
    )


def served_of(setting: FlagSetting) -> Definition:
    """What applications get, in flagd's words alone."""
    return definition_of(setting) if setting.served is None else rules.definition_of(setting.served)


def document_of(setting: FlagSetting) -> dict[str, Any]:
    return rules.document_of(definition_of(setting))


def shared_of(flag: Flag) -> Shared:
    return Shared(flag.description, flag.kind, flag.owner, tuple(flag.tags), flag.expected_life_d, flag.json_schema)


def shared_document(flag: Flag) -> dict[str, Any]:
    return shared.document_of(shared_of(flag), archived=flag.archived_at is not None)


def _in(environment: Environment | None) -> ColumnElement[bool]:
    return FlagVersion.environment_id.is_not_distinct_from(environment.id if environment else None)
