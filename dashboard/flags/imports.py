"""A flagd document into one environment: all of it or nothing."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import undefer

from dashboard.changes import record as changes
from dashboard.errors import Conflict, Invalid
from dashboard.flags import compare, rules, serving
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.exact import Refused
from dashboard.flags.holding import Proposal, review
from dashboard.flags.ledger import announce, document_of, keep, shared_document
from dashboard.flags.models import Flag, FlagRevision, FlagSetting
from dashboard.flags.saving import stored
from dashboard.flags.value_schema import variants_problem
from dashboard.flags.wire import Document, Entry, read_document
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import COLORS, Environment

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
NAMED = 10
NEEDS_APPROVAL = (
    "Changes in {slug} need the approval of somebody else. "
    "“--without-approval --reason …” imports all the same and opens a review."
)
USUAL_COLORS = {"development": "green", "staging": "amber", "production": "red"}
PRODUCTION = {"production", "prod", "live"}


@dataclass(frozen=True)
class Imported:
    """What an import did; `warnings` are rules that flagd would take and fail on when they are evaluated."""

    created: Sequence[str]
    changed: Sequence[str]
    unchanged: int
    warnings: Sequence[str]


def import_document(text: str, environment_slug: str, *, without_approval: str | None = None) -> Imported:
    """Every flag of the document is set in the environment, others stay as they are. Raises Invalid with the line.

    Where changes need approvals it takes the reason why this one goes `without_approval`, and opens a review; without
    one Conflict is raised.
    """
    try:
        document = read_document(text)
    except Refused as refused:
        raise Invalid({"file": f"Line {refused.line}: {refused.sentence}"}) from None
    environment = ensure_environment(environment_slug)
    if environment.approvals_needed and not without_approval:
        raise Conflict(NEEDS_APPROVAL.format(slug=environment.slug))
    before = set(db.session.scalars(select(Flag.key).where(Flag.key.in_([entry.key for entry in document.flags]))))
    flags = _locked_flags(document.flags)
    serving.hold(environment)
    settings, changed = _settings_of(environment, flags.values()), []
    for entry in sorted(document.flags, key=lambda entry: entry.key):
        flag = flags[entry.key]
        if flag.key not in before:
            keep(flag, None, flag.version, shared_document(flag), None)
        if _set(flag, environment, settings.get(flag.id), entry):
            changed.append(flag.key)
    created = [key for key in flags if key not in before]
    described = _set_metadata(environment, document)
    if changed or described:
        serving.refresh(environment, [flags[key].id for key in changed])
        _write_down(environment, changed, without_approval)
    return Imported(sorted(created), changed, len(document.flags) - len(changed), _warnings(document))


def ensure_environment(slug: str) -> Environment:
    """The environment of this name, added behind the others when it is new. Raises Invalid."""
    found = db.session.scalar(select(Environment).where(Environment.slug == slug))
    if found:
        return found
    if not SLUG.match(slug):
        raise Invalid({"environment": "An environment's name has 1 to 63 lower-case letters, digits or hyphens."})
    last = db.session.scalar(select(func.coalesce(func.max(Environment.position), 0))) or 0
    row = insert(Environment).values(
        slug=slug,
        name=slug.replace("-", " ").capitalize(),
        color=USUAL_COLORS.get(slug, COLORS[(last + 3) % len(COLORS)]),
        position=last + 1,
        is_production=slug in PRODUCTION,
    )
    db.session.execute(row.on_conflict_do_nothing(index_elements=[Environment.slug]))
    audit("environment.create", slug, after={"slug": slug})
    return db.session.scalars(select(Environment).where(Environment.slug == slug)).one()


def _locked_flags(entries: Sequence[Entry]) -> dict[str, Flag]:
    """All flags of the document, added where they are new, locked in one order before anything is written."""
    author, ordered = current_author(), sorted(entries, key=lambda entry: entry.key)
    rows = [{"key": entry.key, "type": entry.type, "created_by": author, "kind": "release"} for entry in ordered]
    if rows:
        db.session.execute(insert(Flag).on_conflict_do_nothing(index_elements=[Flag.key]), rows)
    wanted = select(Flag).where(Flag.key.in_([entry.key for entry in ordered])).order_by(Flag.key).with_for_update()
    flags = {flag.key: flag for flag in db.session.scalars(wanted.execution_options(populate_existing=True))}
    for entry in entries:
        flag = flags[entry.key]
        if flag.archived_at is not None:
            raise Invalid({"file": f"Line {entry.line}: flag “{flag.key}” is archived; restore it first."})
        if flag.type != entry.type and not (flag.type == "float" and entry.type == "integer"):
            sentence = f"flag “{flag.key}” is of type {flag.type} here, of type {entry.type} in the file."
            raise Invalid({"file": f"Line {entry.line}: {sentence}"})
    return flags


def _settings_of(environment: Environment, flags: Iterable[Flag]) -> dict[int, FlagSetting]:
    """Flag id → what it is here, with what it serves."""
    ids = [flag.id for flag in flags]
    wanted = select(FlagSetting).where(FlagSetting.environment_id == environment.id, FlagSetting.flag_id.in_(ids))
    wanted = wanted.options(undefer(FlagSetting.served)).execution_options(populate_existing=True)
    return {setting.flag_id: setting for setting in db.session.scalars(wanted)}


def _set(flag: Flag, environment: Environment, setting: FlagSetting | None, entry: Entry) -> bool:
    definition = rules.normal(entry.definition, flag.type)
    document = rules.document_of(definition)
    if setting and any(compare.same_json(document, known) for known in (document_of(setting), setting.served)):
        return False
    if problem := variants_problem(flag.json_schema, definition.variants):
        raise Invalid({"file": f"Line {entry.line}: flag “{flag.key}”: {problem}"})
    setting = stored(flag, environment, setting, definition)
    keep(flag, environment, setting.version, document, "Imported from a file")
    return True


def _set_metadata(environment: Environment, document: Document) -> bool:
    """The metadata of the whole set is that of the last import that had any."""
    revision = db.session.get(FlagRevision, environment.id)
    if not document.metadata or (revision and compare.same_json(revision.set_metadata, dict(document.metadata))):
        return False
    row = insert(FlagRevision).values(environment_id=environment.id, revision=0, set_metadata=dict(document.metadata))
    change = {"set_metadata": row.excluded.set_metadata}
    db.session.execute(row.on_conflict_do_update(index_elements=[FlagRevision.environment_id], set_=change))
    return True


def _write_down(environment: Environment, changed: Sequence[str], reason: str | None) -> None:
    """One row in the lane for the whole file; every flag has its own version."""
    announce([environment.id])
    named = ", ".join(changed[:NAMED]) + (f" and {len(changed) - NAMED} more" if len(changed) > NAMED else "")
    flags = "1 flag" if len(changed) == 1 else f"{len(changed)} flags"
    title = f"{flags if changed else 'Metadata of all flags'} imported into {environment.slug}"
    changes.record(
        "flag", title, subject=changed[0] if len(changed) == 1 else environment.slug,
        environment_id=environment.id, author=current_author(), detail={"flags": named},
    )  # fmt: skip
    audit("flag.import", environment.slug, after={"flags": list(changed)}, reason=reason)
    flags_set = {"flags": ", ".join(changed)}
    review(Proposal(environment.slug, None, environment, "flag.import", title, None, flags_set, 0, reason))


def _warnings(document: Document) -> list[str]:
    return [
        f"line {entry.line}: flag “{entry.key}”: {problem}; applications get an error when the rule gets there"
        for entry in document.flags
        if entry.definition.targeting
        for problem in compile_rule(entry.definition.targeting).problems
    ]
