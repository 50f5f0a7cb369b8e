"""Targeting rules compiled once into closures: JsonLogic with flagd's operators and semantics (pure).

A compiled rule is called with the context and gives its value. Operators answer None on input they cannot use, as
flagd does; only an unknown operator, an unresolved {"$ref"} or a limit of ours raises RuleFailed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from dashboard.flags import logic
from dashboard.flags.bucketing import DEFAULT, Bucketing
from dashboard.flags.coercions import member, path_of, truthy
from dashboard.flags.fractional import fractional
from dashboard.flags.missing import missing, missing_some
from dashboard.flags.reading import Closure, Reading, RuleFailed, Watcher
from dashboard.flags.rules import MAX_DEPTH
from dashboard.flags.shortcuts import shortcut

Context = Any
Build = Callable[[Sequence[Any], Reading, int], Closure]
TOO_DEEP = f"The rule is nested deeper than {MAX_DEPTH} levels"
TOO_LARGE = "The rule with its shared rules has too many parts"


@dataclass(frozen=True)
class Rule:
    """A compiled rule with what it reads: answers to contexts that agree in it agree as well.

    `shared`: the shared rules that it names; as long as they are the same it is, too.
    """

    value: Closure
    attributes: frozenset[str] | None
    reads_time: bool
    problems: tuple[str, ...]
    shared: frozenset[str]


def compile_rule(
    rule: Any,
    evaluators: Mapping[str, Any] | None = None,
    bucketing: Bucketing = DEFAULT,
    watcher: Watcher | None = None,
) -> Rule:
    """Never raises: what is wrong is listed in `problems` and fails when the evaluation gets there.

    `evaluators` are the shared rules that {"$ref": name} stands for; they do not refer to each other.
    """
    reading = Reading(evaluators=evaluators or {}, bucketing=bucketing, watcher=watcher)
    value = _compiled(rule, reading, 0)
    attributes = frozenset(reading.attributes) if reading.attributes is not None else None
    return Rule(value, attributes, reading.time, tuple(dict.fromkeys(reading.problems)), frozenset(reading.shared))


def _compiled(rule: Any, reading: Reading, depth: int) -> Closure:
    if reading.watcher is not None:
        return reading.watcher.part(rule, lambda: _built(rule, reading, depth))
    return _built(rule, reading, depth)


def _built(rule: Any, reading: Reading, depth: int) -> Closure:
    if not isinstance(rule, dict | list):
        return lambda _: rule
    if depth > MAX_DEPTH:
        return _failing(TOO_DEEP, reading)
    if next(reading.parts, None) is None:
        return _failing(TOO_LARGE, reading)
    if isinstance(rule, list):
        return _list(rule, reading, depth)
    if len(rule) != 1:
        return lambda _: rule
    return _operator(*next(iter(rule.items())), reading, depth)


def _operator(name: str, raw: Any, reading: Reading, depth: int) -> Closure:
    if name in SPECIAL:
        return SPECIAL[name](raw if isinstance(raw, list) else [raw], reading, depth + 1)
    if name in logic.PLAIN:
        return _plain(name, raw, reading, depth + 1)
    if name == "$ref":
        return _referred(raw, reading, depth)
    return _failing(f"Unknown operator “{name}”", reading)


def _failing(sentence: str, reading: Reading) -> Closure:
    reading.problems.append(sentence)

    def fail(_: Context) -> Any:
        raise RuleFailed(sentence)

    return fail


def _referred(name: Any, reading: Reading, depth: int) -> Closure:
    shared = reading.evaluators
    reading.shared.update([name] if isinstance(name, str) else [])
    if not isinstance(name, str) or name not in shared:
        return _failing(f"There is no shared rule “{name}”", reading)
    reading.evaluators = {}
    closure = _compiled(shared[name], reading, depth)
    reading.evaluators = shared
    return closure


def _list(items: Sequence[Any], reading: Reading, depth: int) -> Closure:
    if not any(isinstance(item, dict | list) for item in items):
        constant = list(items)
        return lambda _: constant
    closures = [_compiled(item, reading, depth + 1) for item in items]
    return lambda context: [closure(context) for closure in closures]


def _plain(name: str, raw: Any, reading: Reading, depth: int) -> Closure:
    """An operator that takes the values of its operands; one that is not a list stands for a list of one."""
    operands, apply = raw if isinstance(raw, list) else [raw], logic.PLAIN[name]
    closures = [_compiled(item, reading, depth) for item in operands]

    def run(context: Context) -> Any:
        try:
            return apply(*[closure(context) for closure in closures])
        except logic.TooLarge as error:
            raise RuleFailed(str(error)) from None

    return run if reading.watcher is not None else shortcut(name, operands, closures, run)


def _var(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
    path = operands[0] if operands else ""
    default = _compiled(operands[1], reading, depth) if len(operands) > 1 else None
    if isinstance(path, dict | list):
        reading.everything()
        computed = _compiled(path, reading, depth)
        return lambda context: _found(context, path_of(computed(context)), default)
    steps = path_of(path)
    reading.attribute(".".join(steps))
    if len(steps) != 1 or default is not None:
        return lambda context: _found(context, steps, default)
    (name,) = steps
    return lambda context: context.get(name) if type(context) is dict else member(context, name)


def _found(context: Context, steps: Sequence[str], default: Closure | None) -> Any:
    value = context
    for step in steps:
        value = member(value, step)
    return default(context) if value is None and default is not None else value


def _if(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
    closures = [_compiled(item, reading, depth) for item in operands]
    pairs = list(zip(closures[::2], closures[1::2], strict=False))
    otherwise = closures[-1] if len(closures) % 2 else lambda _: None
    if len(pairs) == 1:
        return _chosen(*pairs[0], otherwise)

    def branch(context: Context) -> Any:
        for condition, value in pairs:
            found = condition(context)
            if found is True or (found is not False and truthy(found)):
                return value(context)
        return otherwise(context)

    return branch


def _chosen(condition: Closure, value: Closure, otherwise: Closure) -> Closure:
    def branch(context: Context) -> Any:
        found = condition(context)
        return value(context) if found is True or (found is not False and truthy(found)) else otherwise(context)

    return branch


def _short(operands: Sequence[Any], reading: Reading, depth: int, *, stop_at: bool) -> Closure:
    """The first operand that is truthy (or) or falsy (and), else the last one: values, not booleans."""
    closures, otherwise = [_compiled(item, reading, depth) for item in operands], not stop_at

    def run(context: Context) -> Any:
        value = None
        for closure in closures:
            value = closure(context)
            if value is stop_at or (value is not otherwise and truthy(value) is stop_at):
                break
        return value

    return run


def _each(finish: Callable[[Sequence[Any], Closure], Any]) -> Build:
    """map, filter, all, none, some: the second operand is a rule about one item of the first."""

    def build(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
        items = _compiled(operands[0] if operands else None, reading, depth)
        body = _compiled(operands[1] if len(operands) > 1 else None, reading.inner(), depth)

        def run(context: Context) -> Any:
            found = items(context)
            return finish(found if isinstance(found, list) else [], body)

        return run

    return build


def _reduce(operands: Sequence[Any], reading: Reading, depth: int) -> Closure:
    items, start = (_compiled(operands[at] if len(operands) > at else None, reading, depth) for at in (0, 2))
    body = _compiled(operands[1] if len(operands) > 1 else None, reading.inner(), depth)

    def reduce(context: Context) -> Any:
        total, found = start(context), items(context)
        for item in found if isinstance(found, list) else []:
            total = body({"current": item, "accumulator": total})
        return total

    return reduce


def _given(build: Callable[[Sequence[Any], Sequence[Closure], Reading], Closure]) -> Build:
    """Operators of a module of their own: their operands come compiled."""
    return lambda operands, reading, depth: build(
        operands, [_compiled(item, reading, depth) for item in operands], reading
    )


SPECIAL: Mapping[str, Build] = {
    "var": _var,
    "missing": _given(missing),
    "missing_some": _given(missing_some),
    "if": _if,
    "?:": _if,
    "and": partial(_short, stop_at=False),
    "or": partial(_short, stop_at=True),
    "map": _each(lambda items, body: [body(item) for item in items]),
    "filter": _each(lambda items, body: [item for item in items if truthy(body(item))]),
    "all": _each(lambda items, body: bool(items) and all(truthy(body(item)) for item in items)),
    "none": _each(lambda items, body: not any(truthy(body(item)) for item in items)),
    "some": _each(lambda items, body: any(truthy(body(item)) for item in items)),
    "reduce": _reduce,
    "fractional": _given(fractional),
}
