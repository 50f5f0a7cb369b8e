"""A flag's rule made to give its answers under any other flag's key (pure).

What a rule reads of the flag that it stands in is its key: by {"var": "$flagd.flagKey"}, and by percentages that name
nothing to draw by. Both are replaced by the key as a text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.flags.bucketing import Bucketing
from dashboard.flags.coercions import path_of
from dashboard.flags.compare import same_json
from dashboard.flags.reading import FLAGD

SCOPED = {"map", "filter", "all", "none", "some", "reduce"}
LISTS = {"map", "filter", "merge", "missing", "missing_some"}
NEVER_NULL = LISTS | {"==", "!=", "===", "!==", "<", "<=", ">", ">=", "!", "!!", "in", "all", "none", "some"}
NEVER_NULL |= {"cat", "substr"}
TARGETING_KEY = {"var": "targetingKey"}


class Tied(ValueError):  # noqa: N818 - reads as what it is
    """A rule that only this flag itself can answer; the text says what ties it."""


@dataclass(frozen=True)
class Inlining:
    """Of one flag: its key, and the flag set that its rule lives in."""

    key: str
    evaluators: Mapping[str, Any]
    bucketing: Bucketing

    def rule(self, rule: Any) -> Any:
        """Raises Tied."""
        if isinstance(rule, list):
            return [self.rule(item) for item in rule]
        if not isinstance(rule, dict) or len(rule) != 1:
            return rule
        name, raw = next(iter(rule.items()))
        return self._operation(name, raw, rule)

    def _operation(self, name: str, raw: Any, rule: Any) -> Any:
        operands = raw if isinstance(raw, list) else [raw]
        if name == "var":
            return self._var(rule, operands)
        if name == "$ref":
            return self._referred(rule, raw)
        if name == "fractional":
            return {name: self._drawn([self.rule(item) for item in operands])}
        if name in SCOPED:  # what the second operand reads is an item of a list
            return {name: [item if at == 1 else self.rule(item) for at, item in enumerate(operands)]}
        return {name: self.rule(raw)}

    def _var(self, rule: Any, operands: Sequence[Any]) -> Any:
        path = operands[0] if operands else ""
        if isinstance(path, dict | list):
            raise Tied("it computes the names of the attributes that it reads")
        steps = path_of(path)
        if steps in {(), (FLAGD,)}:
            raise Tied("it reads the whole context at once")
        if steps == (FLAGD, "flagKey"):
            return self.key
        return {"var": [path, *map(self.rule, operands[1:])]} if len(operands) > 1 else rule

    def _referred(self, rule: Any, name: Any) -> Any:
        """A segment is shared as it is, unless it reads the key."""
        segment = self.evaluators.get(name) if isinstance(name, str) else None
        inlined = self.rule(segment)
        return rule if same_json(inlined, segment) else inlined

    def _drawn(self, operands: list[Any]) -> list[Any]:
        """The same with what to draw by said: flag key and targeting key where nothing is named, or (v2) it is null."""
        if not operands:
            return operands
        first, *rest = operands
        operator = next(iter(first)) if isinstance(first, dict) and len(first) == 1 else None
        if operator in LISTS or (isinstance(first, list) and self.bucketing == "v3"):
            raise Tied("it draws percentages without a seed")
        implicit = {"if": [TARGETING_KEY, {"cat": [self.key, TARGETING_KEY]}, None]}
        if isinstance(first, list):
            return [implicit, *operands]
        if self.bucketing == "v3" or operator in NEVER_NULL:
            return operands
        if first is None:
            return [implicit, *rest]
        return [{"if": [{"===": [first, None]}, implicit, first]}, *rest] if operator else operands
