"""A definition becomes a flag's next version in an environment: checked against the one seen, stored, told, kept."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from dashboard.errors import Conflict, Invalid
from dashboard.flags import compare, rules, serving, standing
from dashboard.flags.carrying import carry
from dashboard.flags.holding import NeedsApproval, Proposal, Waiver, review
from dashboard.flags.ledger import announce, document_of, keep, kept, kept_since, write_down
from dashboard.flags.life import settle
from dashboard.flags.merging import merge
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.rules import Definition
from dashboard.flags.value_schema import variants_problem
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment


class Stale(Conflict):
    """A flag, or what flags share, is no longer what the form showed: `base` was shown, `theirs` is there now (empty:
    it is gone), `yours` was sent. `about`: the flag, or the name of a segment.
    """

    def __init__(
        self, about: Flag | str, base: dict[str, Any] | None, theirs: dict[str, Any], yours: dict[str, Any]
    ) -> None:
        self.key, self.flag_type = (about, "") if isinstance(about, str) else (about.key, about.type)
        self.base, self.theirs, self.yours = base, theirs, yours
        difference = {item.field: (item.before, item.after) for item in compare.differences(theirs, yours)}
        super().__init__(f"Somebody else changed {self.key} meanwhile. Nothing of yours was saved.", difference)


def locked(key: str) -> Flag:
    """The flag, ours until the end of the transaction."""
    wanted = select(Flag).where(Flag.key == key).with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(wanted).one()


def locked_setting(flag: Flag, environment: Environment) -> tuple[Flag, FlagSetting | None]:
    flag = locked(flag.key)
    if flag.archived_at is not None:
        raise Conflict(f"{flag.key} is archived. Restore it first.")
    wanted = select(FlagSetting).where(FlagSetting.flag_id == flag.id, FlagSetting.environment_id == environment.id)
    return flag, db.session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()


def on_top(
    flag: Flag,
    environment: Environment,
    setting: FlagSetting | None,
    version: int | None,
    yours: dict[str, Any],
    *,
    merging: bool,
) -> dict[str, Any]:
    """What is to be stored: yours, or both changes together. Raises Stale when they do not go together."""
    past = kept_since(flag, environment, version) if merging and setting and version else []
    if setting and past and version != setting.version:
        together = merge(past, yours).document
        if together and not rules.problems_of(rules.definition_of(together), flag.type):
            return together
    check_version(flag, environment, setting, version, yours)
    return yours


def put(
    flag: Flag,
    environment: Environment,
    setting: FlagSetting | None,
    document: dict[str, Any],
    *,
    action: str,
    reason: str | None,
    title: str | None = None,
    waived: Waiver | None = None,
    at: datetime | None = None,
) -> FlagSetting:
    """Store a document as the next version, tell the processes, and write it down; `at`: when it happened, unless now.

    Raises NeedsApproval where changes wait for somebody else, unless that is `waived`; an emergency opens a review.
    """
    serving.hold(environment)
    before = document_of(setting) if setting else None
    if setting and compare.same_json(document, before):
        return setting
    standing.check(flag, environment, before, document)
    check_schema(flag, before, document)
    title, version = title or _title(flag.key, environment, before, document), setting.version if setting else 0
    change = Proposal(flag.key, flag, environment, action, title, before, document, version, reason)
    if environment.approvals_needed and waived is None:
        raise NeedsApproval([change])
    setting = stored(flag, environment, setting, rules.definition_of(document))
    keep(flag, environment, setting.version, document, reason)
    announce([environment.id], serving.refresh(environment, [flag.id]))
    write_down(action, flag, environment, title, before=before, after=document, reason=reason, at=at)
    if waived == "emergency":
        review(replace(change, version=setting.version))
    return setting


def check_schema(flag: Flag, before: dict[str, Any] | None, document: dict[str, Any]) -> None:
    """New values fit the flag's schema; what does not touch them is never held up by it. Raises Invalid."""
    if before and compare.same_json(before["variants"], document["variants"]):
        return
    if problem := variants_problem(flag.json_schema, document["variants"]):
        raise Invalid({"variants": problem})


def check_version(
    flag: Flag, environment: Environment, setting: FlagSetting | None, version: int | None, yours: dict[str, Any]
) -> None:
    if version is None or version == (setting.version if setting else 0):
        return
    theirs = document_of(setting) if setting else {}
    raise Stale(flag, kept(flag, environment, version), theirs, yours)


def is_turned_since(flag: Flag, environment: Environment, version: int) -> bool:
    """Whether anybody turned it after that version, also there and back, or nobody ever saw that version."""
    past = kept_since(flag, environment, version)
    return not past or any(document["state"] != past[0]["state"] for document in past)


def stored(flag: Flag, environment: Environment, setting: FlagSetting | None, definition: Definition) -> FlagSetting:
    """Write the definition to the flag's row in the environment, one version on; what is scheduled is carried along."""
    setting = filled(flag, environment, setting, definition)
    carry(flag, environment, setting)
    return setting


def filled(flag: Flag, environment: Environment, setting: FlagSetting | None, definition: Definition) -> FlagSetting:
    """The row with the definition in it, one version on."""
    if setting is None:
        setting = FlagSetting(flag_id=flag.id, environment_id=environment.id, version=0)
        db.session.add(setting)
    setting.enabled = definition.enabled
    setting.variants = dict(definition.variants)
    setting.default_variant = definition.default_variant
    setting.targeting = dict(definition.targeting) if definition.targeting is not None else None
    setting.flag_metadata = dict(definition.metadata)
    setting.prerequisites = {key: list(names) for key, names in definition.prerequisites.items()} or None
    setting.unmet_variant = definition.unmet_variant if definition.prerequisites else None
    for name in ("variants", "targeting", "flag_metadata", "prerequisites"):
        flag_modified(setting, name)  # 1 and 1.0 are equal to Python, and so are two orders of the same variants
    setting.version += 1
    setting.updated_at, setting.updated_by = datetime.now(UTC), current_author()
    settle(setting)
    return setting


def _title(key: str, environment: Environment, before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    """What the change lane says: the switch first, because it is what people look for."""
    if before is None:
        return f"{key} set in {environment.slug}"
    if before["state"] != after["state"]:
        return f"{key} turned {'on' if after['state'] == 'ENABLED' else 'off'} in {environment.slug}"
    if before.get("defaultVariant") != after.get("defaultVariant"):
        return f"{key} serves {after.get('defaultVariant') or 'the default in code'} in {environment.slug}"
    return f"{key} changed in {environment.slug}"
