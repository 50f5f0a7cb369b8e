"""What a flag stands on in its environment, segments and other flags, and which flags stand on it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, select
from sqlalchemy.dialects.postgresql import JSONB

from dashboard.errors import Invalid
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.flags.segment_models import FlagSegment
from dashboard.flags.targeting import references
from dashboard.store import db
from dashboard.targets.models import Environment

Document = Mapping[str, Any]
OFFERED = 300


@dataclass(frozen=True)
class Dependant:
    """A flag that needs another one in an environment, and the variants of that one that count.

    `begins_at`: it does not yet, but a scheduled change will have it so.
    """

    key: str
    environment: Environment
    variants: Sequence[str]
    begins_at: datetime | None = None


def dependants_of(key: str, environment: Environment | None = None) -> list[Dependant]:
    """The flags that need this one directly, in one environment or in all, now and then those by a change to come.

    Archived ones are left out.
    """
    wanted = (
        select(Flag.key, Environment, FlagSetting.prerequisites)
        .join(FlagSetting.flag)
        .join(FlagSetting.environment)
        .where(_needs(key), Flag.archived_at.is_(None))
        .order_by(Environment.position, Flag.key)
    )
    if environment is not None:
        wanted = wanted.where(FlagSetting.environment_id == environment.id)
    found = [Dependant(user, place, (needs or {})[key]) for user, place, needs in db.session.execute(wanted)]
    known = {(user.key, user.environment.id, variant) for user in found for variant in user.variants}
    for later in _coming_dependants(key, environment):
        added = {(later.key, later.environment.id, variant) for variant in later.variants}
        if added - known:
            found.append(later)
            known |= added
    return found


def variants_here(environment: Environment, keys: Collection[str]) -> dict[str, list[str]]:
    """The variants of those flags that are set here and not archived."""
    wanted = select(Flag.key, FlagSetting.variants).join(FlagSetting.flag)
    wanted = wanted.where(FlagSetting.environment_id == environment.id, Flag.key.in_(keys), Flag.archived_at.is_(None))
    return {key: list(variants) for key, variants in db.session.execute(wanted)}


def offered(environment: Environment, but: str) -> list[str]:
    """Keys that may be needed here, as many as a list can offer."""
    wanted = select(Flag.key).join(Flag.settings).where(FlagSetting.environment_id == environment.id, Flag.key != but)
    return list(db.session.scalars(wanted.where(Flag.archived_at.is_(None)).order_by(Flag.key).limit(OFFERED)))


def check(flag: Flag, environment: Environment, before: Document | None, after: Document) -> None:
    """What the change adds has to be there, what it takes away must not be needed. Raises Invalid.

    What was missing before stays as it was: a flag can always be turned off.
    """
    before = before or {}
    found = {
        "targeting": _missing_segment(environment, before, after),
        "prerequisites": _missing_flag(environment, before, after),
        "variants": _needed_variant(flag, environment, before, after),
    }
    if problems := {name: sentence for name, sentence in found.items() if sentence}:
        raise Invalid(problems)


def _missing_segment(environment: Environment, before: Document, after: Document) -> str | None:
    added = references(after.get("targeting")) - references(before.get("targeting"))
    if not added:
        return None
    known = select(FlagSegment.name).where(FlagSegment.environment_id == environment.id, FlagSegment.name.in_(added))
    missing = sorted(added - set(db.session.scalars(known)))
    return f"There is no segment “{missing[0]}” in {environment.name}. Add it there first." if missing else None


def _missing_flag(environment: Environment, before: Document, after: Document) -> str | None:
    held = before.get("prerequisites", {})
    added = {key: set(names) - set(held.get(key, ())) for key, names in after.get("prerequisites", {}).items()}
    added = {key: names for key, names in added.items() if names or key not in held}
    known = variants_here(environment, added) if added else {}
    for key, names in added.items():
        if key not in known:
            return f"{key} is not set in {environment.name}, so nobody would ever meet this. Set it there first."
        if missing := sorted(names - set(known[key])):
            return f"{key} has no variant “{missing[0]}” in {environment.name}."
    return None


def _needed_variant(flag: Flag, environment: Environment, before: Document, after: Document) -> str | None:
    gone = before.get("variants", {}).keys() - after["variants"].keys()
    for user in dependants_of(flag.key, environment) if gone else ():
        if needed := sorted(gone & set(user.variants)):
            return f"{user.key} needs the variant “{needed[0]}” of this flag. Take it out of its prerequisites first."
    return None


def _coming_dependants(key: str, environment: Environment | None) -> list[Dependant]:
    """Those that will need it once a scheduled change has come, one for each step, by when."""
    wanted = select(Flag.key, Environment, FlagSchedule).join(FlagSchedule.flag).join(FlagSchedule.environment)
    wanted = wanted.where(FlagSchedule.state == "pending", Flag.archived_at.is_(None))
    if environment is not None:
        wanted = wanted.where(FlagSchedule.environment_id == environment.id)
    return [
        Dependant(user, place, later["prerequisites"][key], datetime.fromtimestamp(at, UTC))
        for user, place, found in db.session.execute(wanted.order_by(Environment.position, Flag.key))
        for at, later in found.coming
        if key in later.get("prerequisites", ())
    ]


def _needs(key: str) -> ColumnElement[bool]:
    """Few flags have prerequisites: the index on those that do finds them."""
    return and_(FlagSetting.prerequisites.is_not(None), cast(FlagSetting.prerequisites, JSONB).has_key(key))
