"""Constraints of Unleash as flagd rules that decide alike (pure)."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dashboard.flags import semver
from dashboard.flags.rules import shortened
from dashboard.flags.unleash_addresses import condition as within
from dashboard.flags.unleash_reading import Unmapped

KEY = {"var": "targetingKey"}
NOW = {"var": "$flagd.timestamp"}
FILLED_IN = {"appName", "environment", "remoteAddress", "hostname"}
MOST_LETTERS = 100
MOST_VALUES = 1_000
NUMBERS = {"NUM_EQ": "==", "NUM_GT": ">", "NUM_GTE": ">=", "NUM_LT": "<", "NUM_LTE": "<="}
VERSIONS = {"SEMVER_EQ": "=", "SEMVER_GT": ">", "SEMVER_GTE": ">=", "SEMVER_LT": "<", "SEMVER_LTE": "<="}
TIMES = {"DATE_AFTER": ">", "DATE_BEFORE": "<"}
TEXTS = ("IN", "NOT_IN", "STR_STARTS_WITH", "STR_ENDS_WITH", "STR_CONTAINS", "IN_CIDR")


@dataclass
class Told:
    """What is not quite the same here, each sentence once."""

    sentences: dict[str, None] = field(default_factory=dict)

    def say(self, sentence: str) -> None:
        self.sentences[sentence] = None


def attribute(name: Any, told: Told) -> dict[str, str]:
    """The attribute that a field of Unleash's context is here. Raises Unmapped."""
    if not isinstance(name, str) or not name:
        raise Unmapped("a constraint names no field of the context.")
    if name == "userId":
        told.say("Unleash's userId is read from targetingKey.")
        return KEY
    if "." in name or name.startswith("$"):
        raise Unmapped(f"the field “{shortened(name)}” has a name that flagd reads as a path.")
    if name == "currentTime":
        raise Unmapped("currentTime is compared as something else than a time.")
    if name in FILLED_IN:
        told.say(f"Applications have to send “{name}” themselves: Unleash fills it in.")
    return {"var": name}


def conditions_of(constraint: Any, told: Told) -> list[Any]:
    """What has to hold; True and False stand for themselves. Raises Unmapped."""
    if not isinstance(constraint, dict):
        raise Unmapped("a constraint is not an object.")
    operator, inverted = constraint.get("operator"), constraint.get("inverted") or False
    if not isinstance(inverted, bool):
        raise Unmapped("“inverted” of a constraint is neither true nor false.")
    found = _asked(operator, constraint, told)
    return [negated(all_of(found))] if inverted else found


def all_of(parts: Sequence[Any]) -> Any:
    if False in parts:
        return False
    asked = [part for part in parts if part is not True]
    return {"and": asked} if len(asked) > 1 else asked[0] if asked else True


def any_of(parts: Sequence[Any]) -> Any:
    return {"or": list(parts)} if len(parts) > 1 else parts[0] if parts else False


def negated(rule: Any) -> Any:
    if isinstance(rule, bool):
        return not rule
    return rule["!"][0] if isinstance(rule, dict) and "!" in rule else {"!": [rule]}


def exists(var: Any) -> Any:
    return {"!=": [var, None]}


def _asked(operator: Any, constraint: Mapping[str, Any], told: Told) -> list[Any]:
    if not isinstance(operator, str):
        raise Unmapped("the operator of a constraint is not a text.")
    if operator in TIMES:
        return [{TIMES[operator]: [NOW, _second(constraint)]}]
    if operator not in {*TEXTS, *NUMBERS, *VERSIONS}:
        raise Unmapped(f"flagd has nothing like the operator {shortened(operator)}.")
    var = attribute(constraint.get("contextName"), told)
    if operator in NUMBERS:
        told.say(f"“{var['var']}” is compared as a number: send it as one. Evaluators differ in reading texts.")
        compared = {NUMBERS[operator]: [var, _number(constraint)]}
        return [compared] if operator == "NUM_EQ" else [exists(var), compared]
    if operator in VERSIONS:
        told.say(f"“{var['var']}” of 1.2 or v1.2.0 counts as version 1.2.0 here; Unleash takes three numbers only.")
        return [{"sem_ver": [var, VERSIONS[operator], _version(constraint)]}]
    values = _values(constraint)
    if operator == "IN_CIDR":
        return [addresses(var, values, told)]
    return [_texts(operator, var, values, bool(constraint.get("caseInsensitive")))]


def addresses(var: Any, ranges: Sequence[str], told: Told) -> Any:
    if any(":" in text for text in ranges):
        told.say("Addresses of IP version 6 are compared as texts, in their shortest form.")
    return within(var, ranges)


def _texts(operator: str, var: Any, values: Sequence[str], ignoring_case: bool) -> Any:
    lettered = ignoring_case and any(value.lower() != value.upper() for value in values)
    if operator in {"IN", "NOT_IN"}:
        listed = _any_case(_same, var, values) if lettered else {"in": [var, list(values)]} if values else False
        return negated(listed) if operator == "NOT_IN" else listed
    if operator == "STR_CONTAINS":
        if lettered:
            raise Unmapped("flagd cannot look for a part of a text without regard to upper and lower case.")
        return any_of([{"in": [value, var]} for value in values])
    name, shape = ("starts_with", _begins) if operator == "STR_STARTS_WITH" else ("ends_with", _ends)
    return _any_case(shape, var, values) if lettered else any_of([{name: [var, value]} for value in values])


def _any_case(shape: Callable[[Any, str], list[Any]], var: Any, values: Sequence[str]) -> Any:
    """flagd compares texts letter by letter: here every letter may be the small or the capital one."""
    for value in values:
        if not value.isascii() or not 0 < len(value) <= MOST_LETTERS:
            raise Unmapped(f"“{shortened(value)}” cannot be compared in flagd without regard to upper and lower case.")
    return any_of([all_of([exists(var), *shape(var, value)]) for value in values])


def _same(var: Any, value: str) -> list[Any]:
    return [*_begins(var, value), {"==": [{"substr": [var, len(value)]}, ""]}]


def _begins(var: Any, value: str) -> list[Any]:
    return [_letter(var, at, letter) for at, letter in enumerate(value)]


def _ends(var: Any, value: str) -> list[Any]:
    """The text is as long as the end that is looked for: substr begins at the first letter of a shorter one."""
    is_long = {"!=": [{"substr": [var, len(value) - 1, 1]}, ""]}
    return [is_long, *(_letter(var, at - len(value), letter) for at, letter in enumerate(value))]


def _letter(var: Any, at: int, letter: str) -> Any:
    return {"in": [{"substr": [var, at, 1]}, list(dict.fromkeys((letter.lower(), letter.upper())))]}


def _values(constraint: Mapping[str, Any]) -> list[str]:
    values = constraint.get("values") or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Unmapped("“values” of a constraint is not a list of texts.")
    if len(values) > MOST_VALUES:
        raise Unmapped(f"a constraint has more than {MOST_VALUES:,} values.")
    return values


def _number(constraint: Mapping[str, Any]) -> int | float:
    value = constraint.get("value")
    try:
        number = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        number = None
    if not isinstance(number, int | float) or isinstance(number, bool) or not math.isfinite(number):
        raise Unmapped(f"“{shortened(str(value))}” is not a number to compare with.")
    return number


def _version(constraint: Mapping[str, Any]) -> str:
    value = constraint.get("value")
    whole = isinstance(value, str) and value[:1].isdigit() and value.split("-")[0].split("+")[0].count(".") == 2
    if not whole or semver.parsed(value) is None:
        raise Unmapped(f"“{shortened(str(value))}” is not a version such as 1.2.3.")
    return str(value)


def _second(constraint: Mapping[str, Any]) -> int | float:
    if constraint.get("contextName") not in ("currentTime", None, ""):
        raise Unmapped("a time is compared with another field than currentTime, and flagd compares no texts as times.")
    value = constraint.get("value")
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Unmapped(f"“{shortened(str(value))}” is not a time with a time zone.")
    seconds = at.timestamp()
    return int(seconds) if seconds.is_integer() else seconds
