"""Changes of segments, and where they are used: locked, versioned, audited, refused while a rule needs them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, cast, exists, select
from sqlalchemy.orm.attributes import flag_modified

from dashboard.errors import Conflict, Invalid, NotFound
from dashboard.flags import compare, parts, rules, serving, targeting
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.holding import Proposal, Waiver
from dashboard.flags.ledger import claim
from dashboard.flags.merging import merge
from dashboard.flags.models import Flag, FlagRevision, FlagSetting, FlagVersion
from dashboard.flags.saving import Stale
from dashboard.flags.schedule_queries import coming_in
from dashboard.flags.segment_models import FlagSegment
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment

Document = dict[str, Any]


def segments_of(environment: Environment) -> list[FlagSegment]:
    wanted = select(FlagSegment).where(FlagSegment.environment_id == environment.id).order_by(FlagSegment.name)
    return list(db.session.scalars(wanted))


def bucketings() -> dict[int, str]:
    """Environment id → the version that its percentages are drawn by, where it was ever written down."""
    return {row.environment_id: row.bucketing for row in db.session.scalars(select(FlagRevision))}


def names_of(environment: Environment) -> list[str]:
    return [segment.name for segment in segments_of(environment)]


def segment_of(environment: Environment, name: str) -> FlagSegment | None:
    """None when it was removed. Raises NotFound when there never was one."""
    found = _find(environment, name)
    if found is None and not parts.newest(environment, name):
        raise NotFound("There never was a segment of this name here.")
    return found


def removed_from(environment: Environment) -> list[str]:
    """The names of the segments that there were."""
    there = exists().where(FlagSegment.environment_id == environment.id, FlagSegment.name == FlagVersion.segment)
    wanted = select(FlagVersion.segment).where(FlagVersion.flag_id.is_(None), ~there)
    wanted = wanted.where(FlagVersion.environment_id == environment.id, FlagVersion.segment.is_not(None))
    return [name for name in db.session.scalars(wanted.distinct().order_by(FlagVersion.segment)) if name]


def used_by(environment: Environment) -> dict[str, list[str]]:
    """Segment → keys of the flags whose rules refer to it, now or by a change to come, those of archived flags too."""
    refers = cast(FlagSetting.targeting, String).contains('"$ref"')
    wanted = select(Flag.key, FlagSetting.targeting).join(FlagSetting.flag)
    wanted = wanted.where(FlagSetting.environment_id == environment.id, refers).order_by(Flag.key)
    uses = [(key, rule) for key, rule in db.session.execute(wanted)]
    uses += [(key, later.targeting) for key, steps in coming_in(environment).items() for _, later in steps]
    found: dict[str, list[str]] = {}
    for key, name in sorted({(key, name) for key, rule in uses for name in targeting.references(rule)}):
        found.setdefault(name, []).append(key)
    return found


def save(
    environment: Environment, name: str, description: str, rule: Document, *, version: int,
    operation_id: str | None = None, reason: str | None = None, title: str | None = None, merging: bool = False,
    waived: Waiver | None = None,
) -> int:  # fmt: skip
    """What the segment is from now on; returns its version. `version` 0: a new one, also where it was removed before.

    When it changed since `version`, `merging` puts the description or the rule, whichever you changed, on top. Raises
    Invalid, Stale (also when it is there already or gone), NeedsApproval where others decide, unless that is `waived`.
    """
    _refuse(_problems(name, description, rule))
    repeated = not claim(operation_id)
    serving.hold(environment)
    segment = _find(environment, name, lock=True)
    yours = {"description": description, "rule": rule}
    if repeated or (segment and version and compare.same_json(_document(segment), yours)):
        return parts.newest(environment, name)
    after = _on_top(environment, name, segment, version, yours, merging=merging)
    return _stored(environment, name, segment, after, reason, title, waived)


def revert(
    environment: Environment, name: str, to: int, *, version: int, operation_id: str | None = None,
    reason: str | None = None, waived: Waiver | None = None,
) -> int:  # fmt: skip
    """What the segment was at version `to`, as its next one, which is returned; also one that was removed since.

    Raises NotFound, Invalid, Stale, NeedsApproval where others decide, unless that is `waived`.
    """
    then = parts.kept(environment, name, to)
    if then is None:
        raise NotFound(f"{name} was never at version {to} in {environment.slug}.")
    if not then:
        raise Invalid({"to": "It was removed then. Choose a version in which it was there, or remove it on its page."})
    repeated = not claim(operation_id)
    serving.hold(environment)
    segment = _find(environment, name, lock=True)
    now, last = _document(segment) if segment else {}, parts.newest(environment, name)
    if repeated or compare.same_json(now, then):
        return last
    if version != last:
        raise Stale(name, parts.kept(environment, name, version), now, then)
    _refuse(_problems(name, then["description"], then["rule"]))
    title = f"Segment {name} reverted to version {to} in {environment.slug}"
    return _stored(environment, name, segment, then, reason, title, waived)


def remove(
    environment: Environment, name: str, *, version: int, operation_id: str | None = None, reason: str | None = None,
    waived: Waiver | None = None,
) -> int:  # fmt: skip
    """Returns the version that says that it is gone. Raises Conflict while a rule refers to it, Stale when it changed
    since `version`, NeedsApproval where others decide, unless that is `waived`.
    """
    repeated = not claim(operation_id)
    serving.hold(environment)
    segment = _find(environment, name, lock=True)
    if repeated or segment is None:
        return parts.newest(environment, name)
    if keys := used_by(environment).get(name):
        raise Conflict(f"{name} is used by {_listed(keys)}. Take it out of those rules first.")
    if segment.version != version:
        raise Stale(name, parts.kept(environment, name, version), _document(segment), {})
    change = _proposal("segment.remove", environment, name, _document(segment), {}, reason)
    parts.hold_back(change, waived)
    db.session.delete(segment)
    return parts.write_down(change, name)


def _on_top(
    environment: Environment, name: str, segment: FlagSegment | None, version: int, yours: Document, *, merging: bool
) -> Document:
    """What is to be stored: yours, or both changes together. Raises Stale when they do not go together."""
    last = parts.newest(environment, name)
    if version == last or (segment is None and version == 0):
        return yours
    past = parts.kept_since(environment, name, version) if merging and segment and version else []
    together = merge(past, yours).document if past else None
    if together is None:
        theirs = _document(segment) if segment else {}
        raise Stale(name, parts.kept(environment, name, version), theirs, yours)
    return together


def _stored(
    environment: Environment, name: str, segment: FlagSegment | None, after: Document, reason: str | None,
    title: str | None, waived: Waiver | None,
) -> int:  # fmt: skip
    before = _document(segment) if segment else None
    if segment and compare.same_json(before, after):
        return segment.version
    change = _proposal("segment.set", environment, name, before, after, reason, title)
    parts.hold_back(change, waived)
    if segment is None:
        segment = FlagSegment(environment_id=environment.id, name=name, version=change.version)
        db.session.add(segment)
    segment.description, segment.rule, segment.version = after["description"], after["rule"], change.version + 1
    flag_modified(segment, "rule")
    segment.updated_at, segment.updated_by = datetime.now(UTC), current_author()
    db.session.flush()
    return parts.write_down(change, name)


def _find(environment: Environment, name: str, *, lock: bool = False) -> FlagSegment | None:
    wanted = select(FlagSegment).where(FlagSegment.environment_id == environment.id, FlagSegment.name == name)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(wanted)


def _document(segment: FlagSegment) -> Document:
    return {"description": segment.description, "rule": segment.rule}


def _problems(name: str, description: str, rule: Document) -> dict[str, str]:
    problems = {}
    if not rules.KEY.match(name) or name in {".", ".."}:
        problems["name"] = "A name has 1 to 200 letters, digits, dots, hyphens or underscores."
    elif name == "new":
        problems["name"] = "“new” cannot be a name: in an address it means the form for new segments."
    if len(description) > 2_000 or "\x00" in description:
        problems["description"] = "At most 2,000 characters."
    whole = rules.Definition(enabled=True, variants={"a": True}, targeting=rule)
    if problem := rules.problems_of(whole, "boolean").get("targeting"):
        problems["rule"] = problem
    elif targeting.references(rule):
        problems["rule"] = "A segment refers to no other segment."
    elif wrong := compile_rule(rule).problems:
        problems["rule"] = f"{wrong[0]}."
    return problems


def _proposal(
    action: str, environment: Environment, name: str, before: Document | None, after: Document,
    reason: str | None, title: str | None = None,
) -> Proposal:  # fmt: skip
    word = "removed from" if not after else "changed in" if before else "added to"
    title, version = title or f"Segment {name} {word} {environment.slug}", parts.newest(environment, name)
    return Proposal(name, None, environment, action, title, before, after, version, reason)


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise Invalid(problems)
