"""A flag's definition goes from one environment to another: what differs, and all that was chosen in one step."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, func, select
from sqlalchemy.orm import aliased

from dashboard.errors import Invalid
from dashboard.flags import compare, holding, prerequisites, serving
from dashboard.flags.ledger import claim, document_of, kept
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.saving import Stale, check_version, locked, locked_setting, put
from dashboard.lists import ListPage, ListQuery
from dashboard.store import db
from dashboard.targets.models import Environment

MOST = 200


@dataclass(frozen=True)
class Pair:
    """A flag in two environments; `target` None: not set there yet."""

    flag: Flag
    source: FlagSetting
    target: FlagSetting | None
    differences: Sequence[compare.Difference]

    @property
    def version(self) -> int:
        return self.target.version if self.target else 0

    def json(self) -> dict[str, Any]:
        return {
            "key": self.flag.key,
            "source_version": self.source.version,
            "target_version": self.version,
            "changed": ", ".join(item.field for item in self.differences),
        }


def pair_of(flag: Flag, source: Environment, target: Environment) -> Pair:
    """Raises Invalid when the flag is not set in `source`."""
    settings = {setting.environment_id: setting for setting in db.session.scalars(_settings(flag))}
    if source.id not in settings or source.id == target.id:
        raise Invalid({"from": f"{flag.key} has nothing in {source.slug} that could go to {target.slug}."})
    return _pair(flag, settings[source.id], settings.get(target.id))


def differing(source: Environment, target: Environment, query: ListQuery) -> ListPage[Pair]:
    """Flags of `source` that are another thing in `target`, or not there."""
    there = aliased(FlagSetting)
    here = and_(there.flag_id == FlagSetting.flag_id, there.environment_id == target.id)
    wanted = (
        select(Flag, FlagSetting, there)
        .join(FlagSetting, and_(FlagSetting.flag_id == Flag.id, FlagSetting.environment_id == source.id))
        .outerjoin(there, here)
        .where(Flag.archived_at.is_(None), Flag.key.ilike(query.like(), escape="\\"))
        .order_by(Flag.key.desc() if query.descending else Flag.key)
    )
    wanted = wanted.where(there.id.is_(None) | _is_other(there))
    total = db.session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    shown = wanted.limit(query.limit).offset(query.offset).execution_options(populate_existing=True)
    return ListPage([_pair(*row) for row in db.session.execute(shown)], total, query)


def promote(
    versions: Mapping[str, tuple[int, int]],
    source: Environment,
    target: Environment,
    *,
    operation_id: str | None = None,
    reason: str | None = None,
) -> list[str]:
    """Every flag named, or none: key → versions that were seen in `source` and in `target` (0: not set there).

    Raises Invalid, NotFound, Stale, NeedsApproval. Returns the keys that changed.
    """
    if not 1 <= len(versions) <= MOST or source.id == target.id:
        raise Invalid({"flags": f"Choose 1 to {MOST} flags and two environments."})
    if not claim(operation_id):
        return []
    changed: list[str] = []

    def promoting(key: str) -> None:
        if _promoted(key, versions[key], source, target, reason):
            changed.append(key)

    holding.each(partial(promoting, key) for key in _in_order(versions, source, target))
    return changed


def _in_order(keys: Collection[str], source: Environment, target: Environment) -> list[str]:
    """Flags that others need before those, all of them ours from now on: locked as everybody locks, by key."""
    for key in sorted(keys):
        locked(_flag(key).key)
    serving.hold(source, target)
    return prerequisites.in_order(serving.needs_of(source), keys)


def _promoted(key: str, seen: tuple[int, int], source: Environment, target: Environment, reason: str | None) -> bool:
    flag, there = locked_setting(_flag(key), target)
    _, here = locked_setting(flag, source)
    if here is None:
        raise Invalid({"flags": f"{key} is not set in {source.slug} any more."})
    document = document_of(here)
    if here.version != seen[0]:
        raise Stale(flag, kept(flag, source, seen[0]), document_of(there) if there else {}, document)
    if there and compare.same_json(document, document_of(there)):
        return False
    check_version(flag, target, there, seen[1], document)
    title = f"{key} promoted from {source.slug} to {target.slug}"
    put(flag, target, there, document, action="flag.promote", reason=reason, title=title)
    return True


def _flag(key: str) -> Flag:
    flag = db.session.scalar(select(Flag).where(Flag.key == key))
    if flag is None:
        raise Invalid({"flags": f"There is no flag {key[:60]}."})
    return flag


def _is_other(there: type[FlagSetting]) -> ColumnElement[bool]:
    """As JSON texts, because `json` has no equality and keeps every number as it was written."""
    pairs = (
        (FlagSetting.variants, there.variants),
        (FlagSetting.targeting, there.targeting),
        (FlagSetting.flag_metadata, there.flag_metadata),
        (FlagSetting.prerequisites, there.prerequisites),
    )
    differs = FlagSetting.enabled.is_distinct_from(there.enabled)
    differs |= FlagSetting.unmet_variant.is_distinct_from(there.unmet_variant)
    differs |= FlagSetting.default_variant.is_distinct_from(there.default_variant)
    for one, other in pairs:
        differs |= one.cast(Text).is_distinct_from(other.cast(Text))
    return differs


def _settings(flag: Flag) -> Select[FlagSetting]:
    return select(FlagSetting).where(FlagSetting.flag_id == flag.id).execution_options(populate_existing=True)


def _pair(flag: Flag, source: FlagSetting, target: FlagSetting | None) -> Pair:
    before = document_of(target) if target else None
    return Pair(flag, source, target, compare.differences(before, document_of(source)))
