"""A variant that grows by itself: the definitions of a flag at each time of a ramp (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from dashboard.errors import Invalid
from dashboard.flags import rollout, rules, targeting
from dashboard.flags.rollout import WHOLE, Rollout
from dashboard.flags.rules import Definition
from dashboard.flags.targeting import Outcome

MOST_STEPS = 50
LONGEST_S = 366 * 86_400
ONLY_JSON = "Only JSON can say this flag's rule: a ramp changes rules that the form can show."


@dataclass(frozen=True)
class Ramp:
    """`variant` grows to `share` (thousandths of a per cent) in equal steps, the first at second `begin_at`."""

    variant: str
    share: int
    begin_at: int
    steps: int
    every_s: int


def problems_of(ramp: Ramp, definition: Definition) -> dict[str, str]:
    """Field → sentence for everything that keeps this ramp from being made."""
    problems: dict[str, str] = {}
    if ramp.variant not in definition.variants:
        problems["variant"] = f"There is no variant “{rules.shortened(ramp.variant)}”."
    if not 1 <= ramp.steps <= MOST_STEPS:
        problems["steps"] = f"A ramp has 1 to {MOST_STEPS} steps."
    if ramp.every_s < 60 or ramp.every_s * ramp.steps > LONGEST_S:
        problems["every"] = "Steps are at least a minute apart, and the whole ramp takes at most a year."
    found = targeting.read(definition.targeting)
    if found is None:
        problems["variant"] = ONLY_JSON
    elif not problems and share_of(definition, ramp.variant) >= ramp.share:
        held = rollout.percent_text(share_of(definition, ramp.variant))
        problems["share"] = f"{ramp.variant} has {held} % already: a ramp grows it."
    return problems


def share_of(definition: Definition, variant: str) -> int:
    """Thousandths of a per cent of those whom no rule chooses; 0 where only JSON can say it, or the flag is off."""
    return shares_of(definition).get(variant, 0) if definition.enabled else 0


def shares_of(definition: Definition) -> dict[str, int]:
    """Variant → thousandths of a per cent of those whom no rule chooses, while it is on; empty where nobody can say."""
    found = targeting.read(definition.targeting)
    return {} if found is None else _shares(found.otherwise, definition)


def definitions(ramp: Ramp, definition: Definition, seed: str) -> list[tuple[int, Definition]]:
    """(second, definition) of each step: nobody who has the variant loses it, the others give up in proportion.

    Rules stay before it. A flag that is off is turned on by the first step. Raises Invalid.
    """
    if problems := problems_of(ramp, definition):
        raise Invalid(problems)
    found = targeting.read(definition.targeting) or targeting.Rules()
    split, begin = _split(found.otherwise, definition, seed, ramp.variant), share_of(definition, ramp.variant)
    made = []
    for number in range(1, ramp.steps + 1):
        share = begin + (ramp.share - begin) * number // ramp.steps
        split = rollout.changed(split, _grown(rollout.shares(split), ramp.variant, share))
        outcome: Outcome = ramp.variant if share == WHOLE else split
        rule = targeting.write(replace(found, otherwise=outcome))
        later = replace(definition, enabled=True, targeting=rule)
        made.append((ramp.begin_at + (number - 1) * ramp.every_s, later))
    return made


def _split(outcome: Outcome, definition: Definition, seed: str, variant: str) -> Rollout:
    """Who has what before the first step; where a flag that is off would give everybody `variant`, the other one."""
    if isinstance(outcome, Rollout) and set(rollout.shares(outcome)) != {variant}:
        return outcome
    seed = outcome.seed if isinstance(outcome, Rollout) else seed
    held = _shares(outcome, definition)
    if not held:
        raise Invalid({"variant": "Choose a default variant first: it is what the others get while this one grows."})
    if set(held) != {variant}:
        return rollout.fresh(seed, held)
    others = [name for name in definition.variants if name != variant]
    if len(others) != 1:
        raise Invalid({"variant": f"Once it is on everybody gets {variant}: make another variant the default first."})
    return rollout.fresh(seed, {others[0]: WHOLE})


def _shares(outcome: Outcome, definition: Definition) -> dict[str, int]:
    if isinstance(outcome, Rollout):
        return rollout.shares(outcome)
    everybody = outcome or definition.default_variant
    return {everybody: WHOLE} if everybody else {}


def _grown(held: Mapping[str, int], variant: str, share: int) -> dict[str, int]:
    """Shares that add up to WHOLE: what is left goes to the others as they stand to each other."""
    others = {name: part for name, part in held.items() if name != variant and part}
    left, whole = WHOLE - share, sum(others.values())
    exact = {name: Fraction(part * left, whole) for name, part in others.items()} if whole else {}
    wanted = {name: int(part) for name, part in exact.items()}
    for name in _most_cut_off(exact)[: left - sum(wanted.values())]:
        wanted[name] += 1
    return wanted | {variant: share}


def _most_cut_off(exact: Mapping[str, Fraction]) -> Sequence[str]:
    return sorted(exact, key=lambda name: (int(exact[name]) - exact[name], name))
