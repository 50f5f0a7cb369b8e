"""Changes of segments, and where they are used: locked, versioned, audited, refused while a rule needs them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String, cast, select
from sqlalchemy.orm.attributes import flag_modified

from dashboard.errors import Conflict, Invalid, NotFound
from dashboard.flags import compare, parts, rules, serving, targeting
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.holding import Proposal, Waiver
from dashboard.flags.ledger import claim
from dashboard.flags.models import Flag, FlagRevision, FlagSetting
from dashboard.flags.schedule_queries import coming_in
from dashboard.flags.segment_models import FlagSegment
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment


def segments_of(environment: Environment) -> list[FlagSegment]:
    wanted = select(FlagSegment).where(FlagSegment.environment_id == environment.id).order_by(FlagSegment.name)
    return list(db.session.scalars(wanted))


def bucketings() -> dict[int, str]:
    """Environment id → the version that its percentages are drawn by, where it was ever written down."""
    return {row.environment_id: row.bucketing for row in db.session.scalars(select(FlagRevision))}


def names_of(environment: Environment) -> list[str]:
    return [segment.name for segment in segments_of(environment)]


def segment_of(environment: Environment, name: str) -> FlagSegment:
    """Raises NotFound."""
    found = _find(environment, name)
    if found is None:
        raise NotFound("There is no segment of this name here.")
    return found


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
    environment: Environment, name: str, description: str, rule: dict[str, Any], *, version: int,
    operation_id: str | None = None, reason: str | None = None, waived: Waiver | None = None,
) -> int:  # fmt: skip
    """What the segment is from now on; `version` 0: a new one. Returns the version that there is now.

    Raises Invalid, Conflict, NeedsApproval where others decide, unless that is `waived`.
    """
    _refuse(_problems(name, description, rule))
    repeated = not claim(operation_id)
    serving.hold(environment)
    segment = _find(environment, name, lock=True)
    before, after = _document(segment) if segment else None, {"description": description, "rule": rule}
    if segment and (repeated or (version and compare.same_json(before, after))):
        return segment.version
    if (segment.version if segment else 0) != version:
        what = "There is a segment of this name already." if not version else "Somebody else changed this segment."
        raise Conflict(f"{what} Nothing of yours was saved; reload the page to see it.")
    change = _proposal("segment.set", environment, name, before, after, reason)
    parts.hold_back(change, waived)
    if segment is None:
        segment = FlagSegment(environment_id=environment.id, name=name, version=change.version)
        db.session.add(segment)
    segment.description, segment.rule, segment.version = description, rule, segment.version + 1
    flag_modified(segment, "rule")
    segment.updated_at, segment.updated_by = datetime.now(UTC), current_author()
    db.session.flush()
    return parts.write_down(change, name)


def remove(
    environment: Environment, name: str, *, version: int, operation_id: str | None = None, reason: str | None = None,
    waived: Waiver | None = None,
) -> int:  # fmt: skip
    """Returns the version that says that it is gone. Raises Conflict while a rule refers to it, or when it changed
    since `version`; NeedsApproval where others decide, unless that is `waived`.
    """
    repeated = not claim(operation_id)
    serving.hold(environment)
    segment = _find(environment, name, lock=True)
    if repeated or segment is None:
        return parts.newest(environment, name)
    if keys := used_by(environment).get(name):
        raise Conflict(f"{name} is used by {_listed(keys)}. Take it out of those rules first.")
    if segment.version != version:
        raise Conflict("Somebody else changed this segment. Reload the page to see it.")
    change = _proposal("segment.remove", environment, name, _document(segment), {}, reason)
    parts.hold_back(change, waived)
    db.session.delete(segment)
    return parts.write_down(change, name)


def _find(environment: Environment, name: str, *, lock: bool = False) -> FlagSegment | None:
    wanted = select(FlagSegment).where(FlagSegment.environment_id == environment.id, FlagSegment.name == name)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(wanted)


def _document(segment: FlagSegment) -> dict[str, Any]:
    return {"description": segment.description, "rule": segment.rule}


def _problems(name: str, description: str, rule: dict[str, Any]) -> dict[str, str]:
    problems = {}
    if not rules.KEY.match(name) or name in {".", ".."}:
        problems["name"] = "A name has 1 to 200 letters, digits, dots, hyphens or underscores."
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
    action: str, environment: Environment, name: str, before: dict[str, Any] | None, after: dict[str, Any],
    reason: str | None,
) -> Proposal:  # fmt: skip
    word = "removed from" if not after else "changed in" if before else "added to"
    title, version = f"Segment {name} {word} {environment.slug}", parts.newest(environment, name)
    return Proposal(name, None, environment, action, title, before, after, version, reason)


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise Invalid(problems)
