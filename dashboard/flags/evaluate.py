"""Targeting rules compiled once into closures: JsonLogic with flagd's operators and semantics (pure).

A compiled rule is called with the context and gives its value. Operators answer None on input they cannot use, as
flagd does; only an unknown operator, an unresolved {"$ref"} or a limit of ours raises RuleFailed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dashboard.flags import logic
from dashboard.flags.bucketing import split
from dashboard.flags.reading import FLAGD, Reading, RuleFailed
from dashboard.flags.rules import MAX_DEPTH
from dashboard.flags.semver import compares

Context = Any
Closure = Callable[[Context], Any]


@dataclass(frozen=True)
class Rule:
    """A compiled rule with what it reads: answers to contexts that agree in it agree as well."""

    value: Closure
    attributes: frozenset[str] | None
    reads_time: bool
    problems: tuple[str, ...]


def compile_rule(rule: Any) -> Rule:
    """Never raises: what is wrong is listed in `problems` and fails when the evaluation gets there."""
    reading = Reading()
    value = _compiled(rule, reading, 0)
    attributes = frozenset(reading.attributes) if reading.attributes is not None else None
    return Rule(value, attributes, reading.time, tuple(dict.fromkeys(reading.problems)))


def _compiled(rule: Any, reading: Reading, depth: int) -> Closure:
    if depth > MAX_DEPTH:
        return _failing(f"The rule is nested deeper than {MAX_DEPTH} levels", reading)
    if isinstance(rule, list):
        return _list(rule, reading, depth)
    if not isinstance(rule, dict) or len(rule) != 1:
        return lambda _: rule
    return _operator(*next(iter(rule.items())), reading, depth)


def _operator(name: str, raw: Any, reading: Reading, depth: int) -> Closure:
    if name in SPECIAL:
        return SPECIAL[name](raw if isinstance(raw, list) else [raw], reading, depth + 1)
    if name in PLAIN:
        return _plain(PLAIN[name], raw, reading, depth + 1)
    if name == "$ref":
        return _failing(f"There is no shared rule “{raw}”", reading)
    return _failing(f"Unknown operator “{name}”", reading)


def _failing(sentence: str, reading: Reading) -> Closure:
    reading.problems.append(sentence)

    def fail(_: Context) -> Any:
        raise RuleFailed(sentence)

    return fail


def _list(items: Sequence[Any], reading: Reading, depth: int) -> Closure:
    if not any(isinstance(item, dict | list) for item in items):
        constant = list(items)
        return lambda _: constant
    closures = [_compiled(item, reading, depth + 1) for item in items]
    return lambda context: [closure(context) for closure in closures]


def _plain(apply: Callable[..., Any], raw: Any, reading: Reading, depth: int) -> Closure:
    """An operator that takes the values of its operands; one that is not a list stands for a list of one."""
    closures = [_compiled(item, reading, depth) for item in (raw if isinstance(raw, list) else [raw])]
    return lambda context: _applied(apply, [closure(context) for closure in closures])


def _applied(apply: Callable[..., Any], operands: Sequence[Any]) -> Any:
    try:
        return apply(*operands)
    except logic.TooLarge as error:
        raise RuleFailed(str(error)) from None


def _var(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
    path = operands[0] if operands else ""
    default = _compiled(operands[1], reading, depth) if len(operands) > 1 else lambda _: None
    if isinstance(path, dict | list):
        reading.everything()
        computed = _compiled(path, reading, depth)
        return lambda context: _found(context, logic.path_of(computed(context)), default)
    steps = logic.path_of(path)
    reading.attribute(".".join(steps))
    if len(steps) == 1:
        (name,) = steps

        def top(context: Context) -> Any:
            value = context.get(name) if isinstance(context, dict) else logic.member(context, name)
            return default(context) if value is None else value

        return top
    return lambda context: _found(context, steps, default)


def _found(context: Context, steps: Sequence[str], default: Closure) -> Any:
    value = context
    for step in steps:
        value = logic.member(value, step)
        if value is None:
            return default(context)
    return default(context) if value is None else value


def _missing(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
    closure = _list(operands, reading, depth)
    reading.names(operands)

    def missing(context: Context) -> list[Any]:
        names = closure(context)
        names = names[0] if names and isinstance(names[0], list) else names
        return [name for name in names if logic.lookup(context, name) in (None, "")]

    return missing


def _missing_some(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
    closure = _list(operands, reading, depth)
    reading.everything()

    def missing_some(context: Context) -> Any:
        needed, names = [*closure(context), None, None][:2]
        if not isinstance(names, list) or not isinstance(needed, int | float):
            return None
        absent = [name for name in names if logic.lookup(context, name) in (None, "")]
        return [] if len(names) - len(absent) >= needed else absent

    return missing_some


def _if(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
    closures = [_compiled(item, reading, depth) for item in operands]
    pairs = list(zip(closures[::2], closures[1::2], strict=False))
    otherwise = closures[-1] if len(closures) % 2 else lambda _: None

    def branch(context: Context) -> Any:
        for condition, value in pairs:
            if logic.truthy(condition(context)):
                return value(context)
        return otherwise(context)

    return branch


def _short(operands: Sequence[Any], reading: Reading, depth: int, *, stop_at: bool) -> Closure:
    """The first operand that is truthy (or) or falsy (and), else the last one: values, not booleans."""
    closures = [_compiled(item, reading, depth) for item in operands]

    def run(context: Context) -> Any:
        value = None
        for closure in closures:
            value = closure(context)
            if logic.truthy(value) is stop_at:
                break
        return value

    return run


def _each(
    finish: Callable[[Sequence[Any], Callable[[Any], Any]], Any],
) -> Callable[[Sequence[Any], Reading, int], Closure]:
    """map, filter, all, none, some: the second operand is a rule about one item of the first."""

    def build(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
        items = _compiled(operands[0] if operands else None, reading, depth)
        inner = Reading(problems=reading.problems)
        body = _compiled(operands[1] if len(operands) > 1 else None, inner, depth)

        def run(context: Context) -> Any:
            found = items(context)
            return finish(found if isinstance(found, list) else [], body)

        return run

    return build


def _reduce(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
    items, start = (_compiled(operands[at] if len(operands) > at else None, reading, depth) for at in (0, 2))
    inner = Reading(problems=reading.problems)
    body = _compiled(operands[1] if len(operands) > 1 else None, inner, depth)

    def reduce(context: Context) -> Any:
        total, found = start(context), items(context)
        for item in found if isinstance(found, list) else []:
            total = body({"current": item, "accumulator": total})
        return total

    return reduce


def _fractional(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
    closure = _list(operands, reading, depth)
    if not operands or isinstance(operands[0], list | dict):
        reading.attribute("targetingKey")

    def fractional(context: Context) -> Any:
        values = closure(context)
        if not values:
            return None
        if isinstance(values[0], list):
            return split(_implicit_key(context), values)
        key = _implicit_key(context) if values[0] is None else values[0]
        return split(key, values[1:])

    return fractional


def _implicit_key(context: Context) -> str | None:
    flag_key, targeting_key = logic.lookup(context, f"{FLAGD}.flagKey"), logic.lookup(context, "targetingKey")
    if isinstance(flag_key, str) and isinstance(targeting_key, str) and targeting_key:
        return flag_key + targeting_key
    return None


PLAIN: Mapping[str, Callable[..., Any]] = logic.PLAIN | {
    "sem_ver": lambda *values: compares(*values) if len(values) == 3 else None,
}
SPECIAL: Mapping[str, Callable[[Sequence[Any], Reading, int], Closure]] = {
    "var": _var,
    "missing": _missing,
    "missing_some": _missing_some,
    "if": _if,
    "?:": _if,
    "and": partial(_short, stop_at=False),
    "or": partial(_short, stop_at=True),
    "map": _each(lambda items, body: [body(item) for item in items]),
    "filter": _each(lambda items, body: [item for item in items if logic.truthy(body(item))]),
    "all": _each(lambda items, body: bool(items) and all(logic.truthy(body(item)) for item in items)),
    "none": _each(lambda items, body: not any(logic.truthy(body(item)) for item in items)),
    "some": _each(lambda items, body: any(logic.truthy(body(item)) for item in items)),
    "reduce": _reduce,
    "fractional": _fractional,
}
