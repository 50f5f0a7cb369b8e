"""A change that was approved: checked again as if it came now, then made."""

from typing import Any

from dashboard.errors import Invalid
from dashboard.flags import rules, segments, targeting
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.saving import check_version, locked_setting, put
from dashboard.targets.models import Environment


def apply(
    flag: Flag,
    environment: Environment,
    document: dict[str, Any],
    *,
    version: int,
    action: str,
    title: str,
    reason: str,
) -> FlagSetting:
    """The document becomes the next version. Raises Invalid, Conflict (archived), Stale (changed since `version`)."""
    flag, setting = locked_setting(flag, environment)
    definition = rules.definition_of(document)
    problems = rules.problems_of(definition, flag.type)
    if gone := set(targeting.references(definition.targeting)) - set(segments.names_of(environment)):
        problems["targeting"] = f"There is no segment {min(gone)} any more."
    if problems:
        raise Invalid(problems)
    check_version(flag, environment, setting, version, document)
    return put(flag, environment, setting, document, action=action, reason=reason, title=title, waived="approved")
