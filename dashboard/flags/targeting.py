"""Ordered rules with ids, and the flagd JSON that they are kept as (pure).

{"if": [rule, outcome, rule, outcome, …, otherwise]}. The first operand of a rule's "and" is its id: a text that is not
empty is true, so every evaluator takes it as it stands.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from dashboard.flags import conditions, rollout
from dashboard.flags.conditions import Condition
from dashboard.flags.rollout import Rollout
from dashboard.flags.rules import Definition

ID = re.compile(r"rule-[a-z0-9]{1,20}\Z")
MAX_RULES = 100
CODE = "the default in code"
Outcome = str | Rollout | None


@dataclass(frozen=True)
class Rule:
    """All conditions must hold; `outcome` is a variant, a rollout, or None: the default variant."""

    id: str
    conditions: tuple[Condition, ...]
    outcome: Outcome


@dataclass(frozen=True)
class Rules:
    """The first rule that holds decides, then `otherwise`."""

    rules: tuple[Rule, ...] = ()
    otherwise: Outcome = None


def read(targeting: Mapping[str, Any] | None) -> Rules | None:
    """The rules that this JSON says; None when only JSON can say it."""
    if not targeting:
        return Rules()
    if split := rollout.read(targeting):
        return Rules(otherwise=split)
    operands = targeting.get("if") if len(targeting) == 1 else None
    if not isinstance(operands, list) or len(operands) < 2:
        return None
    if operands[0] is True and len(operands) == 2:
        operands = operands[1:]
    *pairs, last = operands if len(operands) % 2 else [*operands, None]
    rules = [_read_rule(rule, outcome) for rule, outcome in zip(pairs[::2], pairs[1::2], strict=True)]
    known = [rule for rule in rules if rule is not None]
    ids = [rule.id for rule in known if rule.id]
    if len(known) < len(rules) or len(set(ids)) < len(ids) or not _is_outcome(last):
        return None
    return Rules(tuple(known), _read_outcome(last))


def write(rules: Rules) -> dict[str, Any] | None:
    """Standard flagd JSON; None when everybody gets the default variant."""
    if not rules.rules:
        if isinstance(rules.otherwise, Rollout):
            return rollout.write(rules.otherwise)
        return None if rules.otherwise is None else {"if": [True, rules.otherwise]}
    operands = [part for rule in rules.rules for part in (_write_rule(rule), _write_outcome(rule.outcome))]
    tail = [] if rules.otherwise is None else [_write_outcome(rules.otherwise)]
    return {"if": [*operands, *tail]}


def variants_of(rules: Rules) -> set[str]:
    """Every variant that some rule can give."""
    outcomes = [rules.otherwise, *(rule.outcome for rule in rules.rules)]
    named = {outcome for outcome in outcomes if isinstance(outcome, str)}
    return named | {variant for outcome in outcomes if isinstance(outcome, Rollout) for variant, _ in outcome.entries}


def references(rule: Any) -> frozenset[str]:
    """The segments that any rule, also one that only JSON can say, refers to."""
    found, waiting = set(), [rule]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            name = part.get("$ref")
            found |= {name} if len(part) == 1 and isinstance(name, str) else set()
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return frozenset(found)


def with_ids(rules: Rules) -> Rules:
    """The same with an id for each rule: those that were written without one are numbered."""
    taken = {rule.id for rule in rules.rules}
    numbers = (f"rule-{number}" for number in count(1) if f"rule-{number}" not in taken)
    return replace(rules, rules=tuple(replace(rule, id=rule.id or next(numbers)) for rule in rules.rules))


def is_same(one: Rules, other: Rules) -> bool:
    """Told by JSON: 1, 1.0 and true are equal to Python."""
    return json.dumps(write(with_ids(one))) == json.dumps(write(with_ids(other)))


def preview(before: Definition, after: Definition) -> list[str]:
    """Who would move from one definition to the other; nothing said means nobody."""
    return _asked_of_others(before, after) + _between(before, after)


def _asked_of_others(before: Definition, after: Definition) -> list[str]:
    needs = [(json.dumps(dict(one.prerequisites)), one.unmet_variant) for one in (before, after)]
    return ["It needs other flags than before: who moves depends on what those serve."] if needs[0] != needs[1] else []


def _between(before: Definition, after: Definition) -> list[str]:
    old, new = read(before.targeting), read(after.targeting)
    if old is not None and new is not None:
        return announced(old, new, before.default_variant, after.default_variant)
    if json.dumps(before.targeting) == json.dumps(after.targeting):
        return announced(Rules(), Rules(), before.default_variant, after.default_variant)
    return ["Only JSON can say one of these rules: who moves cannot be counted."]


def announced(before: Rules, after: Rules, default_before: str | None, default_after: str | None) -> list[str]:
    """Who would move, in sentences: exact where the same people meet a rule, in words where it depends on them."""
    old = {rule.id: rule for rule in with_ids(before).rules}
    new = {rule.id: rule for rule in with_ids(after).rules}
    defaults = default_before, default_after
    sentences = []
    for number, (key, rule) in enumerate(new.items(), 1):
        if key not in old:
            sentences.append(f"Rule {number} is new: whoever meets it gets {_words(rule.outcome, default_after)}.")
            continue
        if _asks(old[key]) != _asks(rule):
            sentences.append(f"Rule {number} asks something else: who meets it depends on their attributes.")
        sentences += _moved(old[key].outcome, rule.outcome, defaults, f"Of those who meet rule {number}, ")
    gone = [key for key in old if key not in new]
    if gone:
        sentences.append(
            f"{len(gone)} rule{' is' if len(gone) == 1 else 's are'} gone: who met it goes on to the next."
        )
    if [key for key in old if key in new] != [key for key in new if key in old]:
        sentences.append("The order of rules changes: who meets several of them may move.")
    return sentences + _moved(before.otherwise, after.otherwise, defaults, "Of all others, " if new else "")


def _moved(before: Outcome, after: Outcome, defaults: tuple[str | None, str | None], lead: str) -> list[str]:
    moves = rollout.moves(_split(before, after, defaults[0]), _split(after, before, defaults[1]))
    return [
        f"{lead}{_share(float(share) * 100)} move from {one or CODE} to {other or CODE}."
        for (one, other), share in sorted(moves.items(), key=lambda item: -item[1])
    ]


def _asks(rule: Rule) -> str:
    return json.dumps([conditions.write(condition) for condition in rule.conditions])


def _split(outcome: Outcome, other: Outcome, default: str | None) -> Rollout:
    """Any outcome as a split; one variant is a split of one, drawn by the same seed."""
    if isinstance(outcome, Rollout):
        return outcome
    seed = other.seed if isinstance(other, Rollout) else ""
    return Rollout(seed, ((outcome or default or "", 1),))


def _share(percent: float) -> str:
    return f"{percent:.3g} %" if percent >= 0.001 else "less than 0.001 %"


def _words(outcome: Outcome, default: str | None) -> str:
    if isinstance(outcome, Rollout):
        parts = [f"{rollout.percent_text(share)} % {variant}" for variant, share in rollout.shares(outcome).items()]
        return ", ".join(parts)
    return outcome or default or CODE


def conditions_of(rule: Any) -> tuple[Condition, ...] | None:
    """The conditions of a segment: without an id, without other segments; None when only JSON can say them."""
    known = _read_rule(rule, None)
    return None if known is None or known.id or references(rule) else known.conditions


def _read_rule(rule: Any, outcome: Any) -> Rule | None:
    parts = rule.get("and") if isinstance(rule, dict) and len(rule) == 1 else None
    parts = parts if isinstance(parts, list) else [rule]
    id_ = parts[0] if parts and isinstance(parts[0], str) and ID.match(parts[0]) else ""
    found = [conditions.read(part) for part in (parts[1:] if id_ else parts)]
    known = tuple(condition for condition in found if condition is not None)
    if not known or len(known) < len(found) or not _is_outcome(outcome):
        return None
    return Rule(id_, known, _read_outcome(outcome))


def _write_rule(rule: Rule) -> Any:
    parts: Sequence[Any] = [conditions.write(condition) for condition in rule.conditions]
    if rule.id:
        return {"and": [rule.id, *parts]}
    return {"and": list(parts)} if len(parts) > 1 else parts[0]


def _is_outcome(value: Any) -> bool:
    return value is None or isinstance(value, str) or rollout.read(value) is not None


def _read_outcome(value: Any) -> Outcome:
    return value if isinstance(value, str) else rollout.read(value)


def _write_outcome(outcome: Outcome) -> Any:
    return rollout.write(outcome) if isinstance(outcome, Rollout) else outcome
