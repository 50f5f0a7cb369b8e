"""What a rule asks of the context, between the words of a form and JsonLogic (pure).

An operator stands for one shape of JsonLogic; what has another shape is left to JSON. A value is what JSON says it is:
12, true and "12" in quotes are a number, a truth value and a text; a bare word is a text.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dashboard.flags.exact import Refused, read_json
from dashboard.flags.semver import parsed

Takes = Literal["value", "list", "text", "number", "range", "version", "nothing", "segment"]
MAX_ATTRIBUTE = 200
MAX_VALUES = 1_000
PART = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,]*?)\s*(?:,|\Z)', re.DOTALL)


@dataclass(frozen=True)
class Condition:
    """`attribute` is empty for a segment; `values` are as many as the operator takes."""

    attribute: str
    operator: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Operator:
    """`match` gives attribute and values of a rule of this shape, or None."""

    words: str
    takes: Takes
    write: Callable[[Any, Sequence[Any]], Any]
    match: Callable[[Any], tuple[str, tuple[Any, ...]] | None]


def read(rule: Any) -> Condition | None:
    for name, operator in OPERATORS.items():
        if (found := operator.match(rule)) is not None:
            attribute, values = found
            fits = all(_fits(value, operator.takes) for value in values)
            return Condition(attribute, name, values) if fits else None
    return None


def write(condition: Condition) -> Any:
    return OPERATORS[condition.operator].write({"var": condition.attribute}, condition.values)


def problem_of(condition: Condition, segments: Sequence[str]) -> str | None:
    """Why this condition cannot be kept, in a sentence."""
    operator = OPERATORS.get(condition.operator)
    if operator is None:
        return "Choose an operator."
    if operator.takes == "segment":
        return None if condition.values and condition.values[0] in segments else "Choose a segment of this environment."
    if not 0 < len(condition.attribute) <= MAX_ATTRIBUTE or "\x00" in condition.attribute:
        return f"Name the attribute of the context: 1 to {MAX_ATTRIBUTE} characters."
    if len(condition.values) > MAX_VALUES or "\x00" in json.dumps(condition.values, ensure_ascii=False):
        return f"At most {MAX_VALUES:,} values, without NUL."
    counted = {"nothing": 0, "range": 2}.get(
        operator.takes, len(condition.values) or 1 if operator.takes == "list" else 1
    )
    if len(condition.values) != counted or not all(_fits(value, operator.takes) for value in condition.values):
        return NEEDED[operator.takes]
    return None


def values_of(text: str, operator: str) -> tuple[Any, ...]:
    """What was typed beside an operator: one value, or several with commas between them."""
    takes = OPERATORS[operator].takes if operator in OPERATORS else "value"
    if takes == "nothing":
        return ()
    if takes in {"list", "range"}:
        return tuple(_value(part) for part in _parts(text))
    if takes in {"segment", "version"}:
        return (text.strip(),) if text.strip() else ()
    if takes == "text":
        value = _value(text)
        return (value if isinstance(value, str) else text.strip(),) if text.strip() else ()
    return (_value(text),) if text.strip() else ()


def text_of(condition: Condition) -> str:
    takes = OPERATORS[condition.operator].takes
    if takes in {"segment", "version"}:
        return str(condition.values[0]) if condition.values else ""
    return ", ".join(
        _text(value, alone=takes not in {"list", "range"}, is_text=takes == "text") for value in condition.values
    )


def _parts(text: str) -> list[str]:
    return [part for match in PART.finditer(text) if (part := match.group(1).strip())]


def _value(text: str) -> Any:
    trimmed = text.strip()
    try:
        value = read_json(trimmed)
    except Refused:
        return trimmed
    return value if isinstance(value, str | int | float) else trimmed


def _text(value: Any, *, alone: bool, is_text: bool) -> str:
    """Bare where it reads back as the same text, else as JSON."""
    if not isinstance(value, str):
        return json.dumps(value)
    read_back = value if is_text and not value.startswith('"') else _value(value)
    bare = read_back == value and isinstance(read_back, str) and value and value == value.strip()
    one_line = not any(ord(character) < 32 or ord(character) == 127 for character in value)
    return (
        value if bare and one_line and (alone or not set(value) & set(',"')) else json.dumps(value, ensure_ascii=False)
    )


def _fits(value: Any, takes: Takes) -> bool:
    if takes == "text":
        return isinstance(value, str) and value != ""
    if takes in {"number", "range"}:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if takes == "version":
        return isinstance(value, str) and parsed(value) is not None
    if takes == "segment":
        return isinstance(value, str)
    return isinstance(value, str | int | float)


def _name(rule: Any) -> str | None:
    """The attribute that {"var": name} reads."""
    name = rule.get("var") if isinstance(rule, dict) and len(rule) == 1 else None
    return name if isinstance(name, str) and 0 < len(name) <= MAX_ATTRIBUTE else None


def _operands(rule: Any, sign: str, count: int) -> list[Any] | None:
    operands = rule.get(sign) if isinstance(rule, dict) and len(rule) == 1 else None
    return operands if isinstance(operands, list) and len(operands) == count else None


def _binary(sign: str, words: str, takes: Takes) -> Operator:
    """{sign: [attribute, value]}"""

    def match(rule: Any) -> tuple[str, tuple[Any, ...]] | None:
        operands = _operands(rule, sign, 2)
        name = _name(operands[0]) if operands else None
        return (name, (operands[1],)) if operands and name and operands[1] is not None else None

    return Operator(words, takes, lambda var, values: {sign: [var, values[0]]}, match)


def _null(sign: str, words: str) -> Operator:
    def match(rule: Any) -> tuple[str, tuple[Any, ...]] | None:
        operands = _operands(rule, sign, 2)
        name = _name(operands[0]) if operands and operands[1] is None else None
        return (name, ()) if name else None

    return Operator(words, "nothing", lambda var, _: {sign: [var, None]}, match)


def _version(sign: str, words: str) -> Operator:
    def match(rule: Any) -> tuple[str, tuple[Any, ...]] | None:
        operands = _operands(rule, "sem_ver", 3)
        name = _name(operands[0]) if operands and operands[1] == sign else None
        return (name, (operands[2],)) if operands and name else None

    return Operator(words, "version", lambda var, values: {"sem_ver": [var, sign, values[0]]}, match)


def _match_list(rule: Any) -> tuple[str, tuple[Any, ...]] | None:
    operands = _operands(rule, "in", 2)
    name = _name(operands[0]) if operands and isinstance(operands[1], list) and operands[1] else None
    return (name, tuple(operands[1])) if operands and name else None


def _match_part(rule: Any) -> tuple[str, tuple[Any, ...]] | None:
    operands = _operands(rule, "in", 2)
    name = _name(operands[1]) if operands and isinstance(operands[0], str) else None
    return (name, (operands[0],)) if operands and name else None


def _match_between(rule: Any) -> tuple[str, tuple[Any, ...]] | None:
    operands = _operands(rule, "<=", 3)
    name = _name(operands[1]) if operands else None
    return (name, (operands[0], operands[2])) if operands and name else None


def _match_segment(rule: Any) -> tuple[str, tuple[Any, ...]] | None:
    name = rule.get("$ref") if isinstance(rule, dict) and len(rule) == 1 else None
    return ("", (name,)) if isinstance(name, str) else None


def _not(operator: Operator, words: str) -> Operator:
    def match(rule: Any) -> tuple[str, tuple[Any, ...]] | None:
        operands = _operands(rule, "!", 1)
        return operator.match(operands[0]) if operands else None

    return Operator(words, operator.takes, lambda var, values: {"!": [operator.write(var, values)]}, match)


ONE_OF = Operator("is one of", "list", lambda var, values: {"in": [var, list(values)]}, _match_list)
CONTAINS = Operator("contains", "text", lambda var, values: {"in": [values[0], var]}, _match_part)
BETWEEN = Operator("is between", "range", lambda var, values: {"<=": [values[0], var, values[1]]}, _match_between)
SEGMENT = Operator("is in segment", "segment", lambda _, values: {"$ref": values[0]}, _match_segment)
STARTS, ENDS = _binary("starts_with", "starts with", "text"), _binary("ends_with", "ends with", "text")
SIGNS = {"=": "is", "!=": "is not", ">": "is above", ">=": "is at least", "<": "is below", "<=": "is at most",
         "^": "has the major of", "~": "has the major and minor of"}  # fmt: skip
OPERATORS: Mapping[str, Operator] = {
    "equals": _binary("==", "equals", "value"),
    "not_equals": _binary("!=", "does not equal", "value"),
    "one_of": ONE_OF,
    "not_one_of": _not(ONE_OF, "is not one of"),
    "contains": CONTAINS,
    "not_contains": _not(CONTAINS, "does not contain"),
    "starts_with": STARTS,
    "not_starts_with": _not(STARTS, "does not start with"),
    "ends_with": ENDS,
    "not_ends_with": _not(ENDS, "does not end with"),
    "above": _binary(">", "is greater than", "number"),
    "at_least": _binary(">=", "is at least", "number"),
    "below": _binary("<", "is less than", "number"),
    "at_most": _binary("<=", "is at most", "number"),
    "between": BETWEEN,
    **{f"version{sign}": _version(sign, f"version {words}") for sign, words in SIGNS.items()},
    "exists": _null("!=", "exists"),
    "not_exists": _null("==", "does not exist"),
    "segment": SEGMENT,
    "not_segment": _not(SEGMENT, "is not in segment"),
}
NEEDED: Mapping[Takes, str] = {
    "value": "Type a text, a number, true or false.",
    "list": "Type values with commas between them.",
    "text": "Type a text that is not empty.",
    "number": "Type a number.",
    "range": "Type two numbers: lowest, highest.",
    "version": "Type a version such as 1.2.3.",
    "nothing": "This operator takes no value.",
    "segment": "Choose a segment of this environment.",
}
