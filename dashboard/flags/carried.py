"""A set's flags under what they share from now on: only those that the difference concerns are made anew (pure)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dashboard.flags.flagset import Common, FlagSet, ReadyFlag


def carried(flags: "FlagSet", common: "Common") -> dict[str, "ReadyFlag"]:
    """The flags whose answers may be others under it. All others stay, ready as they are, and learn of it.

    Their own rules name nothing that changed; what is tried in their place, an older version say, may.
    """
    if common is flags.common:
        return {}
    renamed = _renamed(flags.common, common)
    keys = _concerned(flags, common, renamed)
    concerned = {key: _under(flags.flags[key], common, renamed) for key in keys}
    for key, flag in flags.flags.items():
        if key not in concerned:
            vars(flag)["common"] = common
    return concerned


def _concerned(flags: "FlagSet", common: "Common", renamed: set[str]) -> Iterable[str]:
    if common.metadata is not flags.common.metadata:
        return flags.flags
    if common.bucketing != flags.common.bucketing:
        return [key for key, flag in flags.flags.items() if flag.definition.targeting]
    return flags.read_by.naming(renamed)


def _renamed(before: "Common", after: "Common") -> set[str]:
    """The names of shared rules that stand for another one from now on, or for none."""
    names = before.evaluators.keys() | after.evaluators.keys()
    return {name for name in names if before.evaluators.get(name) is not after.evaluators.get(name)}


def _under(flag: "ReadyFlag", common: "Common", renamed: set[str]) -> "ReadyFlag":
    """The same flag; its rule and its line of the document go with it where they stay what they are."""
    keeps_rule = common.bucketing == flag.common.bucketing and not renamed & flag.shared
    other = replace(flag, common=common)
    for name in ("line", "rule", "shared") if keeps_rule else ("line",):
        if name in vars(flag):
            vars(other)[name] = vars(flag)[name]
    return other
