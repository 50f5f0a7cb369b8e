"""A file of flags into environments: all of it or nothing."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.changes import record as changes
from dashboard.errors import Conflict, Invalid
from dashboard.flags import import_writing, serving
from dashboard.flags.exact import Refused
from dashboard.flags.holding import NeedsApproval, Proposal
from dashboard.flags.import_plan import Part, Plan, Warned, digest_of, flags_of, plans_of
from dashboard.flags.import_reading import read_import
from dashboard.flags.ledger import announce
from dashboard.flags.models import FlagRevision
from dashboard.flags.wire import Refusal
from dashboard.security.audit import record as audit
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import COLORS, Environment
from dashboard.targets.queries import all_environments

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
NAMED = 10
MOST_ASKED = 200
TOO_MANY_TO_ASK = (
    "Changes in {slug} need the approval of somebody else, flag by flag, and {count:,} flags are too many to ask for: "
    "at most {most}. Import files with fewer flags each, or let an admin take the approvals off {slug} meanwhile; the "
    "audit log keeps that."
)
OUTDATED = "Flags changed since the preview was made. Nothing was imported; this is what would change now."
USUAL_COLORS = {"development": "green", "staging": "amber", "production": "red"}
PRODUCTION = {"production", "prod", "live"}


class Outdated(Conflict):
    """The preview does not say any more what the import would do."""


@dataclass(frozen=True)
class Consent:
    """With what an import is agreed to.

    `seen`: the preview that was looked at (None: none was). `leave_out`: what is refused stays out, the rest goes in.
    """

    seen: str | None = None
    leave_out: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Imported:
    """What an import did; `warnings` are rules that flagd would take and fail on, and what was not mapped exactly."""

    slug: str
    created: Sequence[str]
    changed: Sequence[str]
    unchanged: int
    warnings: Sequence[Warned]


class Waits(NeedsApproval):
    """Flags of some environments wait; into the others everything went, in the caller's transaction."""

    def __init__(self, proposals: Sequence[Proposal], done: Sequence[Imported]) -> None:
        self.done = done
        super().__init__(proposals)


def import_document(text: str, environment_slug: str) -> Imported:
    """Every flag of a flagd document is set in the environment, others stay as they are. Raises Invalid with the line,
    Waits.
    """
    try:
        document = read_import(text, "flagd").documents[""]
    except Refused as refused:
        raise Invalid({"file": f"Line {refused.line}: {refused.sentence}"}) from None
    known = {place.slug for place in all_environments()}
    parts = [(ensure_environment(environment_slug), document)]
    imported = import_parts(parts, Consent())[0]
    note_created(parts, known)
    return imported


def import_parts(parts: Sequence[Part], consent: Consent) -> list[Imported]:
    """Each document into its environment, all or nothing. Raises Invalid with the line, Outdated, Conflict, Waits."""
    created = import_writing.add_flags([entry for _, document in parts for entry in document.flags])
    flags_of((entry.key for _, document in parts for entry in document.flags), locked=True)
    serving.hold(*(environment for environment, _ in parts))
    plans = plans_of(parts, locked=True)
    if consent.seen is not None and consent.seen != digest_of(plans):
        raise Outdated(OUTDATED)
    _refuse([one for plan in plans for one in plan.refused], leave_out=consent.leave_out)
    import_writing.forget_flags(created - {change.key for plan in plans for change in plan.changes})
    import_writing.keep_new(plans, created)
    asked, done = list[Proposal](), list[Imported]()
    for plan in plans:
        if plan.environment.approvals_needed:
            asked += _proposals(plan, consent)
        if not plan.environment.approvals_needed or not plan.changes:
            done.append(_carry_out(plan, created, consent))
    if asked:
        raise Waits(asked, done)
    return done


def why_not_asked(plan: Plan) -> str | None:
    """Why what it would change cannot even be asked for; None: it can, or need not."""
    place, count = plan.environment, len(plan.changes)
    if not place.approvals_needed or count <= MOST_ASKED:
        return None
    return TOO_MANY_TO_ASK.format(slug=place.slug, count=count, most=MOST_ASKED)


def ensure_environment(slug: str) -> Environment:
    """The environment of this name, added behind the others when it is new, for `note_created`. Raises Invalid."""
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
    return db.session.scalars(select(Environment).where(Environment.slug == slug)).one()


def note_created(parts: Sequence[Part], known: Collection[str]) -> None:
    """Environments that were not among the `known`, said last: who writes into the audit log holds others up."""
    for place, _ in parts:
        if place.slug not in known:
            audit("environment.create", place.slug, after={"slug": place.slug})


def _refuse(refused: Sequence[Refusal], *, leave_out: bool) -> None:
    if refused and not leave_out:
        more = f" (and {len(refused) - 1:,} more)" if len(refused) > 1 else ""
        raise Invalid({"file": f"Line {refused[0].line}: {refused[0].words}{more}"})


def _carry_out(plan: Plan, created: set[str], consent: Consent) -> Imported:
    place, changed = plan.environment, [change.key for change in plan.changes]
    ids = import_writing.write(plan, consent.reason)
    described = _set_metadata(plan) if plan.metadata and not place.approvals_needed else None
    if changed or described:
        serving.refresh(place, ids, are_settled=True)
        _write_down(place, changed, described or ({}, {}), consent.reason)
    return Imported(place.slug, sorted(created & set(changed)), changed, plan.unchanged, plan.warnings)


def _proposals(plan: Plan, consent: Consent) -> list[Proposal]:
    """What has to be approved, flag by flag. Raises Conflict where it cannot be asked for."""
    if why_not := why_not_asked(plan):
        raise Conflict(why_not)
    place, flags = plan.environment, flags_of(change.key for change in plan.changes)
    return [
        Proposal(
            change.key, flags[change.key], place, "flag.import", f"{change.key} imported into {place.slug}",
            change.before, change.document, change.version, consent.reason,
        )
        for change in plan.changes
    ]  # fmt: skip


def _set_metadata(plan: Plan) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """What all flags carry from now on; as it was and as it is, in words of the audit log."""
    held = select(FlagRevision.set_metadata).where(FlagRevision.environment_id == plan.environment.id)
    before = db.session.scalar(held) or {}
    values = {"environment_id": plan.environment.id, "revision": 0, "set_metadata": dict(plan.metadata)}
    row = insert(FlagRevision).values(values)
    change = {"set_metadata": row.excluded.set_metadata}
    db.session.execute(row.on_conflict_do_update(index_elements=[FlagRevision.environment_id], set_=change))
    return _words(before), _words(plan.metadata)


def _words(metadata: Mapping[str, Any]) -> dict[str, str]:
    return {f"metadata {name}": json.dumps(value, ensure_ascii=False) for name, value in metadata.items()}


def _write_down(
    environment: Environment, changed: Sequence[str], described: tuple[Mapping[str, str], Mapping[str, str]],
    reason: str | None,
) -> None:  # fmt: skip
    """One row in the lane for the whole file; every flag has its own version."""
    announce([environment.id])
    named = ", ".join(changed[:NAMED]) + (f" and {len(changed) - NAMED} more" if len(changed) > NAMED else "")
    flags = "1 flag" if len(changed) == 1 else f"{len(changed)} flags"
    title = f"{flags if changed else 'Metadata of all flags'} imported into {environment.slug}"
    changes.record(
        "flag", title, subject=changed[0] if len(changed) == 1 else environment.slug,
        environment_id=environment.id, author=current_author(),
        detail={"flags": named} | ({"reason": reason} if reason else {}),
    )  # fmt: skip
    before, after = described
    told = {"flags": list(changed)} | dict(after)
    audit("flag.import", environment.slug, before=dict(before) or None, after=told, reason=reason)
