"""Changes of flags: each one locks the flag, leaves a version, an audit entry and a row in the change lane."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.dialects.postgresql import insert

from dashboard.errors import Conflict, Invalid, NotFound
from dashboard.flags import carrying, compare, everywhere, rules, serving
from dashboard.flags.holding import NeedsApproval, Proposal, Waiver
from dashboard.flags.ledger import announce, claim, document_of, keep, kept, shared_document, write_down
from dashboard.flags.models import TYPES, Flag, FlagSetting
from dashboard.flags.rules import Definition
from dashboard.flags.saving import Stale, check_version, is_turned_since, locked, locked_setting, on_top, put
from dashboard.flags.shared import PLAIN, Shared, columns_of
from dashboard.flags.shared import problems_of as shared_problems
from dashboard.flags.shared_edits import next_shared
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment


def create_flag(
    key: str, type_: str, shared: Shared = PLAIN, *, operation_id: str | None = None, places: Sequence[Environment] = ()
) -> Flag:
    """A new flag that is not set in any environment yet. Raises Invalid, Conflict when the key is taken.

    `places`: where it will be, held before it is written down: who waits for them must not hold up the audit log.
    """
    problems = {"key": rules.key_problem(key), "type": None if type_ in TYPES else "Choose a type."}
    _refuse({name: sentence for name, sentence in problems.items() if sentence} | shared_problems(shared, type_))
    claimed = claim(operation_id)
    row = insert(Flag).values(key=key, type=type_, created_by=current_author(), **columns_of(shared))
    created = db.session.scalar(row.on_conflict_do_nothing(index_elements=[Flag.key]).returning(Flag.id))
    flag = locked(key)
    serving.hold(*places)
    if created is None:
        if not claimed:
            return flag
        archived = " It is archived; restore it to use it again." if flag.archived_at else ""
        raise Conflict(f"There is a flag {key} already.{archived}")
    document = shared_document(flag)
    keep(flag, None, flag.version, document, None)
    write_down("flag.create", flag, None, f"{key} created", before=None, after={"type": type_} | document, reason=None)
    return flag


def set_in_environment(
    flag: Flag,
    environment: Environment,
    definition: Definition,
    *,
    version: int | None,
    operation_id: str | None = None,
    reason: str | None = None,
    merging: bool = False,
) -> FlagSetting:
    """What the flag is in an environment from now on; `version` 0: not set there yet, None: whatever is there.

    When it changed since `version`, `merging` puts what you changed on top, unless both touched the same fields. Raises
    Invalid, Stale. A repeated operation, or a definition that is there already, changes nothing.
    """
    _refuse(rules.problems_of(definition, flag.type))
    repeated = not claim(operation_id)
    flag, setting = locked_setting(flag, environment)
    yours = rules.document_of(rules.normal(definition, flag.type))
    if setting and (repeated or compare.same_json(yours, document_of(setting))):
        return setting
    document = on_top(flag, environment, setting, version, yours, merging=merging)
    return put(flag, environment, setting, document, action="flag.set", reason=reason)


def toggle(
    flag: Flag,
    environment: Environment,
    enabled: bool,
    *,
    version: int | None,
    operation_id: str | None = None,
    reason: str | None = None,
    merging: bool = False,
) -> FlagSetting:
    """Turn a flag on or off where it is set. Raises Invalid when it is not, Stale when it changed since `version`.

    With `merging` only a change of the state counts: whatever else changed meanwhile stays as it is now. Turning off
    needs no approval anywhere: where others do, it opens a review.
    """
    repeated = not claim(operation_id)
    flag, setting = locked_setting(flag, environment)
    if setting is None:
        raise Invalid({"environment": f"{flag.key} is not set in {environment.slug} yet."})
    if repeated:
        return setting
    state = "ENABLED" if enabled else "DISABLED"
    yours = document_of(setting) | {"state": state}
    if not merging or version is None or is_turned_since(flag, environment, version):
        check_version(flag, environment, setting, version, yours)
    if setting.enabled == enabled:
        return setting
    waived: Waiver | None = None if enabled else "emergency"
    return put(flag, environment, setting, yours, action="flag.toggle", reason=reason, waived=waived)


def revert(
    flag: Flag,
    environment: Environment,
    to: int,
    *,
    version: int,
    operation_id: str | None = None,
    reason: str | None = None,
) -> FlagSetting:
    """What the flag was at version `to`, as its next version. Raises Invalid, NotFound, Stale."""
    repeated = not claim(operation_id)
    flag, setting = locked_setting(flag, environment)
    document = kept(flag, environment, to)
    if document is None or setting is None:
        raise NotFound(f"{flag.key} was never at version {to} in {environment.slug}.")
    if repeated:
        return setting
    check_version(flag, environment, setting, version, document)
    title = f"{flag.key} reverted to version {to} in {environment.slug}"
    return put(flag, environment, setting, document, action="flag.revert", reason=reason, title=title)


def archive(
    flag: Flag, *, version: int, operation_id: str | None = None, reason: str | None = None,
    waived: Waiver | None = None,
) -> Flag:  # fmt: skip
    """Take a flag out of every environment; applications get “not found” and use the default in their code.

    Raises Stale; NeedsApproval where others decide in one of them, unless that is `waived`.
    """
    return _set_archived(flag, datetime.now(UTC), version, operation_id, reason, waived)


def restore(
    flag: Flag, *, version: int, operation_id: str | None = None, reason: str | None = None,
    waived: Waiver | None = None,
) -> Flag:  # fmt: skip
    """Bring an archived flag back as it was. Raises like `archive`."""
    return _set_archived(flag, None, version, operation_id, reason, waived)


def _set_archived(
    flag: Flag, at: datetime | None, version: int, operation_id: str | None, reason: str | None, waived: Waiver | None
) -> Flag:
    repeated = not claim(operation_id)
    flag = locked(flag.key)
    before = shared_document(flag)
    if repeated or (flag.archived_at is None) == (at is None):
        return flag
    after = before | {"archived": at is not None}
    if flag.version != version:
        raise Stale(flag, kept(flag, None, version), before, after)
    word, action = ("archived", "flag.archive") if at else ("restored", "flag.restore")
    places = everywhere.places_of(flag)
    serving.hold(*places)
    if waived is None and (place := everywhere.strictest(places)):
        title, counted = f"{flag.key} {word} in every environment", everywhere.changes_of(flag)
        raise NeedsApproval([Proposal(flag.key, flag, place, action, title, before, after, counted, reason)])
    flag.archived_at, flag.archived_by = at, current_author() if at else None
    carrying.end_all(flag, f"{flag.key} was archived.")
    for place in places:
        announce([place.id], serving.refresh(place, [flag.id]))
    next_shared(flag, f"{flag.key} {word}", action, before, reason)
    return flag


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise Invalid(problems)
