"""Changes of flags: each one locks the flag, leaves a version, an audit entry and a row in the change lane."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import flag_modified

from dashboard.errors import Conflict, Invalid
from dashboard.flags import compare, rules
from dashboard.flags.ledger import announce, claim, definition_of, document_of, keep, kept, shared_document, write_down
from dashboard.flags.models import KINDS, TYPES, Flag, FlagSetting
from dashboard.flags.rules import Definition
from dashboard.security.authors import current_author
from dashboard.store import db
from dashboard.targets.models import Environment


class Stale(Conflict):
    """The flag is no longer what the form showed: `base` was shown, `theirs` is there now, `yours` was sent."""

    def __init__(self, flag: Flag, base: dict[str, Any] | None, theirs: dict[str, Any], yours: dict[str, Any]) -> None:
        self.flag, self.base, self.theirs, self.yours = flag, base, theirs, yours
        difference = {item.field: (item.before, item.after) for item in compare.differences(theirs, yours)}
        super().__init__(f"Somebody else changed {flag.key} meanwhile. Nothing of yours was saved.", difference)


@dataclass(frozen=True)
class Shared:
    """What all environments share and may be edited."""

    description: str = ""
    kind: str = "release"
    owner: str = ""
    tags: tuple[str, ...] = ()


def create_flag(key: str, type_: str, shared: Shared = Shared(), *, operation_id: str | None = None) -> Flag:
    """A new flag that is not set in any environment yet. Raises Invalid, Conflict when the key is taken."""
    problems = {"key": rules.key_problem(key), "type": None if type_ in TYPES else "Choose a type."}
    _refuse({name: sentence for name, sentence in problems.items() if sentence} | _shared_problems(shared))
    claimed = claim(operation_id)
    row = insert(Flag).values(key=key, type=type_, created_by=current_author(), **_columns(shared))
    created = db.session.scalar(row.on_conflict_do_nothing(index_elements=[Flag.key]).returning(Flag.id))
    flag = locked(key)
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
) -> FlagSetting:
    """What the flag is in an environment from now on; `version` 0: not set there yet, None: whatever is there.

    Raises Invalid, Stale. A repeated operation, or a definition that is there already, changes nothing.
    """
    _refuse(rules.problems_of(definition, flag.type))
    repeated = not claim(operation_id)
    flag, setting = _locked_setting(flag, environment)
    definition = rules.normal(definition, flag.type)
    document, current = rules.document_of(definition), document_of(setting) if setting else None
    if setting and (repeated or compare.same_json(document, current)):
        return setting
    _check_version(flag, environment, setting, version, document)
    setting = stored(flag, environment, setting, definition)
    keep(flag, environment, setting.version, document, reason)
    announce([environment.id], [flag.id])
    title = _title(flag.key, environment, current, document)
    write_down("flag.set", flag, environment, title, before=current, after=document, reason=reason)
    return setting


def toggle(
    flag: Flag,
    environment: Environment,
    enabled: bool,
    *,
    version: int | None,
    operation_id: str | None = None,
    reason: str | None = None,
) -> FlagSetting:
    """Turn a flag on or off where it is set. Raises Invalid when it is not, Stale when it changed since `version`."""
    repeated = not claim(operation_id)
    flag, setting = _locked_setting(flag, environment)
    if setting is None:
        raise Invalid({"environment": f"{flag.key} is not set in {environment.slug} yet."})
    before = document_of(setting)
    after = rules.document_of(rules.switched(definition_of(setting), enabled=enabled))
    if repeated:
        return setting
    _check_version(flag, environment, setting, version, after)
    if setting.enabled == enabled:
        return setting
    setting = stored(flag, environment, setting, rules.definition_of(after))
    keep(flag, environment, setting.version, after, reason)
    announce([environment.id], [flag.id])
    title = _title(flag.key, environment, before, after)
    write_down("flag.toggle", flag, environment, title, before=before, after=after, reason=reason)
    return setting


def edit_shared(flag: Flag, shared: Shared, *, version: int, operation_id: str | None = None) -> Flag:
    """Description, kind, owner and tags. Raises Invalid, Stale."""
    _refuse(_shared_problems(shared))
    repeated = not claim(operation_id)
    flag = locked(flag.key)
    before = shared_document(flag)
    after = before | {name: list(value) if name == "tags" else value for name, value in asdict(shared).items()}
    if repeated or before == after:
        return flag
    if flag.version != version:
        raise Stale(flag, kept(flag, None, version), before, after)
    for name, value in _columns(shared).items():
        setattr(flag, name, value)
    _next_shared(flag, f"{flag.key} described anew", "flag.edit", before, None)
    return flag


def archive(flag: Flag, *, version: int, operation_id: str | None = None, reason: str | None = None) -> Flag:
    """Take a flag out of every environment; applications get “not found” and use the default in their code."""
    return _set_archived(flag, datetime.now(UTC), version, operation_id, reason)


def restore(flag: Flag, *, version: int, operation_id: str | None = None, reason: str | None = None) -> Flag:
    """Bring an archived flag back as it was."""
    return _set_archived(flag, None, version, operation_id, reason)


def locked(key: str) -> Flag:
    """The flag, ours until the end of the transaction."""
    wanted = select(Flag).where(Flag.key == key).with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(wanted).one()


def _set_archived(flag: Flag, at: datetime | None, version: int, operation_id: str | None, reason: str | None) -> Flag:
    repeated = not claim(operation_id)
    flag = locked(flag.key)
    before = shared_document(flag)
    if repeated or (flag.archived_at is None) == (at is None):
        return flag
    if flag.version != version:
        raise Stale(flag, kept(flag, None, version), before, before | {"archived": at is not None})
    flag.archived_at, flag.archived_by = at, current_author() if at else None
    word = "archived" if at else "restored"
    places = select(FlagSetting.environment_id).where(FlagSetting.flag_id == flag.id)
    announce(list(db.session.scalars(places)), [flag.id])
    _next_shared(flag, f"{flag.key} {word}", f"flag.{word.removesuffix('d')}", before, reason)
    return flag


def _next_shared(flag: Flag, title: str, action: str, before: dict[str, Any], reason: str | None) -> None:
    flag.version += 1
    db.session.flush()
    after = shared_document(flag)
    keep(flag, None, flag.version, after, reason)
    write_down(action, flag, None, title, before=before, after=after, reason=reason)


def _locked_setting(flag: Flag, environment: Environment) -> tuple[Flag, FlagSetting | None]:
    flag = locked(flag.key)
    if flag.archived_at is not None:
        raise Conflict(f"{flag.key} is archived. Restore it first.")
    wanted = select(FlagSetting).where(FlagSetting.flag_id == flag.id, FlagSetting.environment_id == environment.id)
    return flag, db.session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()


def _check_version(
    flag: Flag, environment: Environment, setting: FlagSetting | None, version: int | None, yours: dict[str, Any]
) -> None:
    if version is None or version == (setting.version if setting else 0):
        return
    theirs = document_of(setting) if setting else {}
    raise Stale(flag, kept(flag, environment, version), theirs, yours)


def stored(flag: Flag, environment: Environment, setting: FlagSetting | None, definition: Definition) -> FlagSetting:
    """Write the definition to the flag's row in the environment, one version on."""
    if setting is None:
        setting = FlagSetting(flag_id=flag.id, environment_id=environment.id, version=0)
        db.session.add(setting)
    setting.enabled = definition.enabled
    setting.variants = dict(definition.variants)
    setting.default_variant = definition.default_variant
    setting.targeting = dict(definition.targeting) if definition.targeting is not None else None
    setting.flag_metadata = dict(definition.metadata)
    for name in ("variants", "targeting", "flag_metadata"):
        flag_modified(setting, name)  # 1 and 1.0 are equal to Python, and so are two orders of the same variants
    setting.version += 1
    setting.updated_at, setting.updated_by = datetime.now(UTC), current_author()
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


def _shared_problems(shared: Shared) -> dict[str, str]:
    problems = {}
    if shared.kind not in KINDS:
        problems["kind"] = "Choose a kind."
    for name, value, limit in (("description", shared.description, 2_000), ("owner", shared.owner, 200)):
        if len(value) > limit or "\x00" in value:
            problems[name] = f"At most {limit:,} characters."
    if len(shared.tags) > 20 or any(not 1 <= len(tag) <= 50 or "," in tag or "\x00" in tag for tag in shared.tags):
        problems["tags"] = "At most 20 tags of 1 to 50 characters, separated by commas."
    return problems


def _columns(shared: Shared) -> dict[str, Any]:
    return asdict(shared) | {"tags": list(shared.tags)}


def _refuse(problems: dict[str, str]) -> None:
    if problems:
        raise Invalid(problems)
