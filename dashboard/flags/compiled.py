"""What applications get of a flag with prerequisites and with changes to come, as one plain flagd definition (pure).

Every evaluator of flagd's format decides by itself: a prerequisite is the rule of the flag that is needed, written into
this one; a change to come is chosen by `$flagd.timestamp`. What is chosen between is a side: a rule with its default.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dashboard.flags.bucketing import DEFAULT, Bucketing
from dashboard.flags.compare import same_json
from dashboard.flags.inlining import Inlining
from dashboard.flags.outcomes import renamed, spelled_out, spellings
from dashboard.flags.rules import Definition

NOW = {"var": "$flagd.timestamp"}
Step = tuple[int, Definition]


@dataclass(frozen=True)
class Served:
    """`names`: variants that two versions give other values are called otherwise here → what the flag calls them."""

    definition: Definition
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """Where the rule gives null, its default holds; where that is None too, the application's own."""

    rule: Any
    default: str | None


Required = Callable[[str], Served | None]


def compiled(definition: Definition, steps: Sequence[Step], required: Required) -> Served:
    """`steps`: what the flag becomes at which second (Unix time), in their order.

    `required` gives the flags that prerequisites name, None for those that serve nobody. A flag that is off before or
    after a step is on here, and its rule gives null meanwhile: the application's default, as if it were off.
    """
    own = replace(definition, prerequisites={}, unmet_variant=None)
    if not steps and not definition.prerequisites:
        return Served(own)
    versions = [definition, *(later for _, later in steps)]
    variants, called = _variants(versions, [at for at, _ in steps])
    if not any(version.enabled for version in versions):
        return Served(own)
    sides = [_side(version, names, required) for version, names in zip(versions, called, strict=True)]
    before = [({"<": [NOW, at]}, side) for (at, _), side in zip(steps, sides, strict=False)]
    whole = chosen(before, sides[-1])
    definition = replace(own, enabled=True, variants=variants, default_variant=whole.default, targeting=whole.rule)
    return Served(definition, {new: old for names in called for old, new in names.items()})


def chosen(branches: Sequence[tuple[Any, Side]], last: Side) -> Side:
    """The side of the first condition that holds, else the last one; what is sure is decided here and now."""
    kept = []
    for condition, side in branches:
        if condition is True:
            last = side
            break
        if condition is not False:
            kept.append((condition, side))
    sides = [*(side for _, side in kept), last]
    if all(same_json([side.rule, side.default], [last.rule, last.default]) for side in sides):
        return last
    default = _shared_default(sides)
    rules = [_under(side, default) for side in sides]
    pairs = [part for (condition, _), rule in zip(kept, rules, strict=False) for part in (condition, rule)]
    return Side({"if": [*pairs, rules[-1]]}, default)


def is_met(required: Served | None, variants: Sequence[str]) -> Any:
    """True, False, or the rule that says whether the flag serves one of these variants."""
    if required is None or not required.definition.enabled:
        return False
    definition = required.definition
    wanted = [name for name in definition.variants if required.names.get(name, name) in variants]
    if not definition.targeting:
        return definition.default_variant in wanted
    by_default = [None] if definition.default_variant in wanted else []
    return {"in": [definition.targeting, [*spellings(wanted), *by_default]]} if wanted else False


@dataclass(frozen=True)
class Assembly:
    """An environment's flags by key, as far as they depend on each other; in no circle."""

    definitions: Mapping[str, Definition]
    steps: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    evaluators: Mapping[str, Any] = field(default_factory=dict)
    bucketing: Bucketing = DEFAULT
    _known: dict[str, Served | None] = field(default_factory=dict, repr=False, compare=False)

    def served(self, key: str, definition: Definition | None = None) -> Served:
        """The flag as it is, or as it would be. Raises Tied."""
        return compiled(definition or self.definitions[key], self.steps.get(key, ()), self.portable)

    def portable(self, key: str) -> Served | None:
        """The flag as others need it: with the same answers under their keys. Raises Tied."""
        if key not in self._known:
            self._known[key] = self._portable(key) if key in self.definitions else None
        return self._known[key]

    def _portable(self, key: str) -> Served:
        inlining = Inlining(key, self.evaluators, self.bucketing)

        def freed(definition: Definition) -> Definition:
            rule = inlining.rule(definition.targeting) if definition.enabled else None
            return replace(definition, targeting=rule)

        steps = [(at, freed(later)) for at, later in self.steps.get(key, ())]
        return compiled(freed(self.definitions[key]), steps, self.portable)


def _side(definition: Definition, names: Mapping[str, str], required: Required) -> Side:
    if not definition.enabled:
        return Side(None, None)
    own = Side(renamed(definition.targeting or None, names), _name(definition.default_variant, names))
    asked = [is_met(required(key), variants) for key, variants in definition.prerequisites.items()]
    return chosen([(_all(asked), own)], Side(None, _name(definition.unmet_variant, names)))


def _all(conditions: Sequence[Any]) -> Any:
    if False in conditions:
        return False
    open_ones = [condition for condition in conditions if condition is not True]
    if len(open_ones) < 2:
        return open_ones[0] if open_ones else True
    return {"and": open_ones}


def _shared_default(sides: Sequence[Side]) -> str | None:
    """None as soon as one side means the application's default: only a definition without one can say that."""
    defaults = [side.default for side in sides]
    return None if None in defaults else defaults[0]


def _under(side: Side, default: str | None) -> Any:
    """The rule of a side as part of a whole that has this default."""
    return side.rule if side.default in {default, None} else spelled_out(side.rule, side.default)


def _variants(versions: Sequence[Definition], times: Sequence[int]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Everybody's variants, and for each version which of its names stand for other values by then."""
    every = {name for version in versions for name in version.variants}
    variants, called = dict(versions[0].variants), [dict[str, str]()]
    for at, version in zip(times, versions[1:], strict=True):
        names: dict[str, str] = {}
        for name, value in version.variants.items():
            while not same_json(variants.setdefault(names.get(name, name), value), value):
                names[name] = _fresh(f"{names.get(name, name)}@{at}", every)
        called.append(names)
    return variants, called


def _fresh(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "'"
    return name


def _name(variant: str | None, names: Mapping[str, str]) -> str | None:
    return variant if variant is None else names.get(variant, variant)
