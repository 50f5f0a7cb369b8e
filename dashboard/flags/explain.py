"""Why somebody gets a variant: every part of the rule with its value, every draw of a split, what decided (pure)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.flags.bucketing import Draw
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.flagset import ReadyFlag, Resolution
from dashboard.flags.reading import FLAGD, Closure, RuleFailed
from dashboard.flags.rules import shortened

MOST_VALUES = 20
BRANCHES = {"if", "?:"}


@dataclass(eq=False)
class Part:
    """A part of a rule; `values` holds what it gave, each time it was asked (none: it was not asked)."""

    rule: Any
    parts: list["Part"] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    failure: str | None = None
    times: int = 0

    @property
    def operator(self) -> str | None:
        return next(iter(self.rule)) if isinstance(self.rule, dict) and len(self.rule) == 1 else None

    @property
    def was_asked(self) -> bool:
        return self.times > 0

    @property
    def is_constant(self) -> bool:
        return self.operator is None and not self.parts

    @property
    def title(self) -> str:
        """The operator; what a var names; a constant as JSON."""
        if self.operator is None:
            return "list" if self.parts else shortened(written(self.rule), 200)
        if self.operator not in {"var", "$ref", "missing"}:
            return self.operator
        operand = self.rule[self.operator]
        first = operand[0] if self.operator == "var" and isinstance(operand, list) and operand else operand
        return f"{self.operator} {shortened(first if isinstance(first, str) else written(first), 200)}"

    @property
    def shown(self) -> str:
        """What it gave, as JSON."""
        return ", ".join(shortened(written(value), 200) for value in self.values)


@dataclass(frozen=True)
class Explanation:
    """`decided` leads from the whole rule down to the part whose value is the answer."""

    resolution: Resolution
    root: Part | None
    decided: tuple[Part, ...]
    sentence: str


def explain(flag: ReadyFlag, context: Mapping[str, Any]) -> Explanation:
    """The same resolution as `flag.resolve(context)`, with the way there; `context` is one that a FlagSet made."""
    if not flag.definition.enabled or not flag.definition.targeting:
        return Explanation(flag.resolve(context), None, (), _without_rule(flag))
    watcher = _Watcher()
    rule = compile_rule(flag.definition.targeting, flag.common.evaluators, flag.common.bucketing, watcher)
    context[FLAGD]["flagKey"] = flag.key
    try:
        resolution = flag.resolved(rule.value(context))
    except RuleFailed:
        resolution = flag.resolve(context)
    decided = tuple(_decided(watcher.root))
    return Explanation(resolution, watcher.root, decided, _sentence(flag, resolution, decided))


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def interval_of(draw: Draw) -> tuple[int, int] | None:
    """From and to (exclusive) of the interval that a draw hit."""
    if draw.index is None:
        return None
    return (draw.ends[draw.index - 1] if draw.index else 0), draw.ends[draw.index]


def tree(part: Part) -> dict[str, Any]:
    """For JSON."""
    found: dict[str, Any] = {"part": part.title, "asked": part.times, "values": part.values}
    if part.failure:
        found["failure"] = part.failure
    if part.draws:
        found["draws"] = [
            {"key": draw.key, "hash": draw.hash, "bucket": draw.bucket, "of": draw.total, "interval": interval_of(draw),
             "problem": draw.problem or None}
            for draw in part.draws
        ]  # fmt: skip
    if part.parts:
        found["parts"] = [tree(inner) for inner in part.parts]
    return found


class _Watcher:
    """Sees the rule compiled, part by part, and notes what each gives while it runs."""

    def __init__(self) -> None:
        self.root = Part(None)
        self._inside: list[Part] = []
        self._running: list[Part] = []

    def part(self, rule: Any, compiled: Callable[[], Closure]) -> Closure:
        part = Part(rule)
        if self._inside:
            self._inside[-1].parts.append(part)
        else:
            self.root = part
        self._inside.append(part)
        closure = compiled()
        self._inside.pop()

        def run(context: Any) -> Any:
            self._running.append(part)
            part.times += 1
            try:
                value = closure(context)
            except RuleFailed as failed:
                part.failure = str(failed)
                raise
            finally:
                self._running.pop()
            if len(part.values) < MOST_VALUES:
                part.values.append(value)
            return value

        return run

    def drew(self, draw: Draw) -> None:
        if len(self._running[-1].draws) < MOST_VALUES:
            self._running[-1].draws.append(draw)


def _decided(part: Part) -> list[Part]:
    """Down the branches of "if" and through shared rules, as long as the value is that of one of the parts."""
    way = [part]
    while way[-1].operator in BRANCHES or way[-1].operator == "$ref":
        asked = [inner for inner in way[-1].parts if inner.was_asked]
        position = way[-1].parts.index(asked[-1]) if asked else 0
        gave = position % 2 == 1 or position == len(way[-1].parts) - 1
        if not asked or (way[-1].operator in BRANCHES and not gave):
            break
        way.append(asked[-1])
    return way


def _without_rule(flag: ReadyFlag) -> str:
    if not flag.definition.enabled:
        return "The flag is off: no rule is asked, the default in the application's code decides."
    if flag.definition.default_variant is None:
        return "There is no rule and no default variant: the default in the application's code decides."
    return "There is no rule: everybody gets the default variant."


def _sentence(flag: ReadyFlag, resolution: Resolution, decided: tuple[Part, ...]) -> str:
    if resolution.error_code:
        return f"Applications get the error {resolution.error_code}. {resolution.details}"
    if resolution.reason == "DEFAULT":
        outcome = "the default variant" if flag.definition.default_variant else "the default in the application's code"
        return f"The rule chose nobody (it gave null), so it is {outcome}."
    return f"{_place(decided)}{_drawn(decided[-1])}"


def _place(decided: tuple[Part, ...]) -> str:
    """Which condition of a chain held, counted as they stand."""
    root = decided[0]
    if root.operator not in BRANCHES or len(decided) == 1:
        return "The rule as a whole decided."
    position = next(number for number, part in enumerate(root.parts) if part is decided[1])
    if position % 2 == 1:
        return f"Rule {position // 2 + 1} decided: its condition holds."
    return "No condition holds; what stands at the end of the rule decided."


def _drawn(part: Part) -> str:
    interval = interval_of(part.draws[-1]) if part.draws else None
    if interval is None:
        return ""
    draw, (start, end) = part.draws[-1], interval
    return f" Bucket {draw.bucket:,} of {draw.total:,} lies in the interval from {start:,} to {end - 1:,}."
