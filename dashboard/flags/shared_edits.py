"""Changes of what all environments share of a flag, also back to what it was; archiving stands in `flags.edits`."""

from typing import Any

from sqlalchemy.orm.attributes import flag_modified

from dashboard.errors import Invalid, NotFound
from dashboard.flags import compare, schemas, shared
from dashboard.flags.ledger import claim, keep, kept, kept_since, shared_document, write_down
from dashboard.flags.merging import merge
from dashboard.flags.models import Flag
from dashboard.flags.saving import Stale, locked
from dashboard.flags.shared import Shared
from dashboard.store import db

Document = dict[str, Any]


def edit_shared(flag: Flag, wanted: Shared, *, version: int, operation_id: str | None = None) -> Flag:
    """Description, kind, owner, tags, life and schema, each a field: what others changed since `version` stays.

    Raises Invalid, also where values do not fit the schema, and Stale when both touched the same field.
    """
    _refuse(shared.problems_of(wanted, flag.type))
    repeated = not claim(operation_id)
    flag = locked(flag.key)
    before = shared_document(flag)
    yours = shared.document_of(wanted, archived=flag.archived_at is not None)
    if repeated or compare.same_json(before, yours):
        return flag
    if flag.version != version:
        past = kept_since(flag, None, version)
        together = merge(past, yours).document if past else None
        if together is None:
            raise Stale(flag, kept(flag, None, version), before, yours)
        yours = together
    return _stored(flag, yours, f"{flag.key} described anew", "flag.edit", None)


def revert_shared(
    flag: Flag, to: int, *, version: int, operation_id: str | None = None, reason: str | None = None
) -> Flag:
    """What all environments shared at version `to`, as the next version; archived or not stays as it is.

    Raises NotFound, Invalid as an edit does, Stale.
    """
    repeated = not claim(operation_id)
    flag = locked(flag.key)
    then = shared_then(flag, to)
    if repeated or compare.same_json(shared_document(flag), then):
        return flag
    if flag.version != version:
        raise Stale(flag, kept(flag, None, version), shared_document(flag), then)
    _refuse(shared.problems_of(shared.read(then), flag.type))
    return _stored(flag, then, f"{flag.key} reverted to version {to} of what all share", "flag.revert", reason)


def shared_then(flag: Flag, to: int) -> Document:
    """What a way back to that version would make of it. Raises NotFound."""
    then = kept(flag, None, to)
    if then is None:
        raise NotFound(f"{flag.key} was never at version {to} of what all environments share.")
    return shared.document_of(shared.read(then), archived=flag.archived_at is not None)


def next_shared(flag: Flag, title: str, action: str, before: Document, reason: str | None) -> None:
    """What the flag is now is its next version of what all environments share."""
    flag.version += 1
    db.session.flush()
    after = shared_document(flag)
    keep(flag, None, flag.version, after, reason)
    write_down(action, flag, None, title, before=before, after=after, reason=reason)


def _stored(flag: Flag, document: Document, title: str, action: str, reason: str | None) -> Flag:
    before, wanted = shared_document(flag), shared.read(document)
    if compare.same_json(before, document):
        return flag
    _refuse(schemas.misfits(flag, wanted.json_schema))
    for name, value in shared.columns_of(wanted).items():
        setattr(flag, name, value)
    flag_modified(flag, "json_schema")
    next_shared(flag, title, action, before, reason)
    return flag


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise Invalid(problems)
