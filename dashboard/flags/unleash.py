"""Features of Unleash as flags that give the same answers; what differs is said or refused (pure)."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.flags import rules
from dashboard.flags.rules import Definition
from dashboard.flags.shared import Shared
from dashboard.flags.unleash_constraints import Told
from dashboard.flags.unleash_needs import with_needs
from dashboard.flags.unleash_reading import Feature, File, Segment, Unmapped
from dashboard.flags.unleash_strategies import Arm, arm_of, outcome
from dashboard.flags.unleash_values import values_of
from dashboard.flags.wire import Document, Entry, Refusal

ON, OFF = "on", "off"
IS_OFF = "It is off: here applications get the default in their code, in Unleash they got false."
ONE_TYPE = (
    "It has variants, so it gives their values; who asks whether it is enabled has to ask for the variant instead."
)


def documents(file: File) -> dict[str, Document]:
    """Environment of the file (empty: not named) → its flags."""
    return {place: _document(features, file.segments) for place, features in file.environments.items()}


def _document(features: Sequence[Feature], segments: Mapping[str, Segment]) -> Document:
    found: dict[str, Entry] = {}
    reasons: dict[str, str] = {}
    for feature in features:
        try:
            found[feature.key] = _entry(feature, segments)
        except Unmapped as reason:
            reasons[feature.key] = str(reason)
    entries, unmet = with_needs(features, found)
    reasons |= unmet
    refused = [Refusal(one.key, one.line, reasons[one.key]) for one in features if one.key in reasons]
    return Document(tuple(entries.values()), refused=tuple(refused))


def _entry(feature: Feature, segments: Mapping[str, Segment]) -> Entry:
    if problem := rules.key_problem(feature.key):
        raise Unmapped(problem)
    if not isinstance(feature.enabled, bool):
        raise Unmapped("it is neither on nor off.")
    told, arms = Told(), list[Arm]()
    strategies = feature.strategies
    if not isinstance(strategies, list | tuple):
        raise Unmapped("“strategies” is not a list.")
    for strategy in strategies:
        arm = arm_of(strategy, feature.key, segments, told)
        arms += [arm] if arm else []
    if strategies and all(isinstance(one, dict) and one.get("disabled") for one in strategies):
        raise Unmapped("all its strategies are disabled in Unleash: enable or remove them there first.")
    if not strategies:
        arms = [_everybody(feature.key)]
    made = _with_variants(feature, arms, told) if _has_variants(feature, arms) else _boolean(arms)
    type_, definition = made
    definition = rules.switched(definition, enabled=feature.enabled)
    if not feature.enabled:
        told.say(IS_OFF)
    if problems := rules.problems_of(definition, type_):
        raise Unmapped(" ".join(problems.values()))
    shared = Shared(feature.description, feature.kind, tags=feature.tags)
    return Entry(feature.key, type_, rules.normal(definition, type_), feature.line, shared, tuple(told.sentences))


def _everybody(key: str) -> Arm:
    return Arm(True, 100, key, {"var": "targetingKey"}, (), None)


def _has_variants(feature: Feature, arms: Sequence[Arm]) -> bool:
    return bool(feature.variants) or any(arm.variants for arm in arms)


def _boolean(arms: Sequence[Arm]) -> tuple[str, Definition]:
    """On for whoever is meant by any of them; those for a share come last: only the last may simply draw."""
    ordered = sorted(arms, key=lambda arm: not arm.is_for_all_of_them)
    if any(arm.condition is True and arm.is_for_all_of_them for arm in ordered):
        return "boolean", Definition(True, {ON: True, OFF: False}, ON)
    steps: list[tuple[Any, Any]] = [(arm.whole_condition(), ON) for arm in ordered]
    if ordered and not ordered[-1].is_for_all_of_them:
        last = ordered[-1]
        steps[-1] = (last.condition, last.drawn([(ON, last.share), (OFF, 100 - last.share)]))
    return "boolean", Definition(True, {ON: True, OFF: False}, OFF, _chosen(steps))


def _with_variants(feature: Feature, arms: Sequence[Arm], told: Told) -> tuple[str, Definition]:
    """The first strategy that holds says which variant: its own, else the feature's. Nobody else gets one."""
    told.say(ONE_TYPE)
    steps, every = [], list[Mapping[str, Any]]()
    for arm in arms:
        variants, seed = (arm.variants, arm.seed) if arm.variants else (feature.variants, feature.key)
        drawn = outcome(variants, seed, arm.stickiness if arm.variants else None, told) if variants else None
        steps.append((arm.whole_condition(), drawn))
        every += variants
    if not arms and feature.variants:
        outcome(feature.variants, feature.key, None, Told())
        every += feature.variants
    type_, values = values_of(every, told)
    return type_, Definition(True, values, None, _chosen(steps))


def _chosen(steps: Sequence[tuple[Any, Any]]) -> dict[str, Any] | None:
    """The first condition that holds decides, else the default."""
    operands = list[Any]()
    for condition, given in steps:
        if condition is not True:
            operands += [_with_id(condition, len(operands) // 2 + 1), given]
            continue
        if not operands:
            return given if isinstance(given, dict) else {"if": [True, given]} if given is not None else None
        operands.append(given)
        break
    return {"if": operands} if operands else None


def _with_id(condition: Any, number: int) -> Any:
    """As rules that were made by the form: an id in front, so that two people may edit two rules at once."""
    parts = condition["and"] if isinstance(condition, dict) and "and" in condition else [condition]
    return {"and": [f"rule-{number}", *parts]}
