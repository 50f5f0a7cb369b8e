"""Changes of configuration, made as changes of the flags underneath: versions, approvals and audit are theirs."""

from functools import partial

from sqlalchemy import select

from dashboard.errors import Conflict, Invalid
from dashboard.flags import configuration, edits, holding, rules, serving, shared
from dashboard.flags.configuration import KIND, Sent
from dashboard.flags.ledger import claim, definition_of, kept
from dashboard.flags.models import TYPES, Flag, FlagSetting
from dashboard.flags.queries import cell_of
from dashboard.flags.saving import locked
from dashboard.store import db
from dashboard.targets.models import Environment

NOT_PLAIN = "{key} has a rule or several variants in {slug}. Change it on the page of the flag."


def create(sent: Sent, places: list[Environment]) -> Flag:
    """A key with a value in these environments, also one that is set elsewhere already.

    Raises Invalid with every field that cannot be used, Conflict where it is set already, NeedsApproval. A repeated
    operation changes nothing.
    """
    key, flag = sent.fields.get("key", ""), _found(sent.fields.get("key", ""))
    type_, value = _checked(sent, key, flag, places)
    if not claim(sent.fields.get("operation_id")) and flag:
        return flag
    if flag is None:
        described = shared.sent({**sent.fields, "kind": KIND, "expected_life_d": ""})
        flag = edits.create_flag(key, type_, described, places=places)
    flag = locked(key)
    taken = [place.slug for place in places if cell_of(flag, place).setting]
    if taken:
        raise Conflict(f"There is a configuration {key} in {', '.join(taken)} already. Change its value there.")
    serving.hold(*places)
    new = partial(edits.set_in_environment, flag, version=0, reason=_reason(sent))
    holding.each(partial(new, place, configuration.definition_of(value)) for place in places)
    return flag


def put(flag: Flag, place: Environment, sent: Sent, *, version: int) -> FlagSetting:
    """Another value, or the first one in this environment (`version` 0).

    What others changed since `version` stays, unless it is the value: then Stale is raised. Raises Invalid, Conflict
    where more than a value is at stake, NeedsApproval.
    """
    _, value = configuration.value_of(sent.value, flag.type)
    setting = cell_of(flag, place).setting
    shown = kept(flag, place, version) if setting else None
    base = rules.definition_of(shown) if shown else definition_of(setting) if setting else None
    if setting and base and not (configuration.is_plain(base) and configuration.is_plain(definition_of(setting))):
        raise Conflict(NOT_PLAIN.format(key=flag.key, slug=place.slug))
    wanted = configuration.with_value(base, value) if base else configuration.definition_of(value)
    operation_id = sent.fields.get("operation_id")
    return edits.set_in_environment(
        flag, place, wanted, version=version, operation_id=operation_id, reason=_reason(sent), merging=True
    )


def _checked(sent: Sent, key: str, flag: Flag | None, places: list[Environment]) -> tuple[str, object]:
    problems = {"key": rules.key_problem(key)}
    wanted = flag.type if flag else sent.fields.get("type") or None
    if wanted is not None and wanted not in TYPES:
        problems["type"] = "Choose a type."
    if not places:
        problems["environments"] = "Choose at least one environment."
    found: tuple[str, object] = ("", None)
    try:
        found = configuration.value_of(sent.value, wanted if wanted in TYPES else None)
    except Invalid as refused:
        problems |= refused.fields
    if named := {name: sentence for name, sentence in problems.items() if sentence}:
        raise Invalid(named)
    return found


def _found(key: str) -> Flag | None:
    flag = db.session.scalar(select(Flag).where(Flag.key == key)) if rules.key_problem(key) is None else None
    if flag and flag.archived_at:
        raise Conflict(f"{key} is archived. Restore it to use it again.")
    if flag and flag.kind != KIND:
        raise Conflict(f"There is a flag {key} of another kind already ({flag.kind.replace('_', ' ')}).")
    return flag


def _reason(sent: Sent) -> str | None:
    return sent.fields.get("reason", "").strip() or None
