"""A workload → the indexes that would help it most, each with its evidence, and why the rest got none (pure).

After every step of "plan-driven advice": needs, candidates, ranges of costs, write cost, a greedy set cover.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from dashboard.advice.asks import Ask, Family, asks_of, pattern_problem
from dashboard.advice.candidates import candidates, covering
from dashboard.advice.costs import Constants, index_bytes, through
from dashboard.advice.resolve import Catalog
from dashboard.advice.selectivity import Span, span_text
from dashboard.advice.shapes import IndexShape, Table, Unread
from dashboard.advice.writes import WriteCost, Written, write_cost, written
from dashboard.formats import percent_text

MOST_SAVED = 0.99
WORTH_RATIO = 0.5
WORTH_MS = 1.0
WORTH_OF_ALL = 0.001
NEARLY_EQUAL = 0.03
NEARLY_SAFE = 0.02
MOST_FOR_A_TABLE = 5
NOTHING = Span(0.0, 0.0)


@dataclass(frozen=True)
class Gain:
    """What an index would do for a family: `after` is the part of blocks and cost that would be left.

    `likely_ms` lies within `saved_ms`: what is saved when the middle of all ranges is true.
    """

    ask: Ask
    after: Span
    blocks: Span
    saved_ms: Span
    likely_ms: float


@dataclass(frozen=True)
class Proposal:
    """An index to build. `saved_ms` of the window has the time of writing it subtracted already."""

    table: Table
    index: IndexShape
    gains: tuple[Gain, ...]
    size_bytes: int
    write: WriteCost
    write_ms: Span
    saved_ms: Span
    likely_ms: float


@dataclass(frozen=True)
class Advice:
    """`reasons` maps a family that gave nothing to why."""

    proposals: tuple[Proposal, ...]
    reasons: dict[int, Unread]


def advise(families: Sequence[Family], catalog: Catalog, constants: Constants, *, has_trigrams: bool) -> Advice:
    """All indexes worth building, those that save most first."""
    reasons: dict[int, Unread] = {}
    by_table: dict[int, list[Ask]] = defaultdict(list)
    for family in families:
        asks, reason = asks_of(family, catalog, constants)
        if reason is not None:
            reasons[family.id] = reason
        for ask in asks:
            by_table[ask.need.table.oid].append(ask)
    wrote = written(families, catalog)
    least_ms = max(WORTH_MS, WORTH_OF_ALL * sum(family.total_ms for family in families))
    proposals: list[Proposal] = []
    for oid, asks in by_table.items():
        found, why = _for_table(asks, constants, wrote.get(oid, Written()), least_ms, has_trigrams=has_trigrams)
        proposals += found
        for family_id, reason in why.items():
            reasons.setdefault(family_id, reason)
    helped = {gain.ask.family.id for proposal in proposals for gain in proposal.gains}
    ranked = sorted(proposals, key=lambda one: (-one.likely_ms, one.table.label, one.index.columns))
    return Advice(tuple(ranked), {key: why for key, why in reasons.items() if key not in helped})


def gain(index: IndexShape, ask: Ask, constants: Constants) -> Gain | None:
    """What an index would save for one ask; None when it answers nothing of it."""
    after = through(index, ask.need, constants, ask.family.rows_per_call)
    if after is None:
        return None
    ratios = [Span(after.blocks.low / max(ask.blocks.high, 1), after.blocks.high / max(ask.blocks.low, 1))]
    if ask.reads_all:
        # A way over an index has a cost as uncertain as the new one; only of reading everything it is known.
        ratios.append(after.cost.times(1 / max(ask.before.cost.low, 1e-9)))
    left = Span(min(one.low for one in ratios), max(one.high for one in ratios)).within(0.0, 1.0)
    total, share, spared = ask.family.total_ms, ask.time_share, Span(1 - left.high, 1 - left.low)
    saved = spared.within(0.0, MOST_SAVED).times(share).times(total)
    likely = total * (share.low + share.high) / 2 * min(1 - left.middle, MOST_SAVED)
    # The planner does not take a way that is worse than the one it has.
    return Gain(ask, left, after.blocks.within(0.0, ask.blocks.high), saved, likely)


def is_worth(one: Gain) -> bool:
    """Half of the work and more is saved, also compared with the best of the indexes that are there."""
    served = one.ask.served
    is_better = served is None or one.blocks.middle <= WORTH_RATIO * served.blocks.middle
    return is_better and one.after.middle <= WORTH_RATIO


def _for_table(
    asks: Sequence[Ask], constants: Constants, wrote: Written, least_ms: float, *, has_trigrams: bool
) -> tuple[list[Proposal], dict[int, Unread]]:
    table = asks[0].need.table
    tried = candidates([ask.need for ask in asks], has_trigrams=has_trigrams)
    gains = {index: [one for ask in asks if (one := gain(index, ask, constants))] for index in tried}
    worth = {index: [one for one in found if is_worth(one)] for index, found in gains.items()}
    unit_ms = median(ask.family.total_ms / ask.family.calls / max(ask.before.cost.middle, 1e-9) for ask in asks)
    costs = {index: write_cost(index, table, wrote, constants) for index in tried}
    chosen = _cover(worth, {index: cost.units.middle * unit_ms for index, cost in costs.items()}, least_ms)
    proposals = [_proposal(table, index, mine, costs[index], unit_ms) for index, mine in chosen.items()]
    kept = [proposal for proposal in proposals if proposal.likely_ms >= least_ms]
    helped = {one.ask.family.id for proposal in kept for one in proposal.gains}
    reasons = {
        ask.family.id: _why_not(ask, gains, worth, has_trigrams=has_trigrams)
        for ask in asks
        if ask.family.id not in helped
    }
    return kept, reasons


def _cover(
    worth: Mapping[IndexShape, Sequence[Gain]], write_ms: Mapping[IndexShape, float], least_ms: float
) -> dict[IndexShape, list[Gain]]:
    """Greedy set cover: the index that adds most, again and again; each ask counts for the best of those chosen."""
    best: dict[int, tuple[IndexShape, Gain]] = {}
    chosen: list[IndexShape] = []
    while len(chosen) < MOST_FOR_A_TABLE:
        added = {
            index: sum(max(0.0, one.likely_ms - _had(best, one)) for one in found) - write_ms[index]
            for index, found in worth.items()
            if index not in chosen
        }
        most = max(added.values(), default=0.0)
        if most < least_ms:
            break
        near = _safest([index for index, value in added.items() if value >= most * (1 - NEARLY_EQUAL)], worth)
        index = min(near, key=lambda one: (len(one.keys), -len(one.predicate), -added[one], one.columns))
        chosen.append(index)
        for one in worth[index]:
            if one.likely_ms > _had(best, one):
                best[id(one.ask)] = (index, one)
    return _kept(chosen, worth, best)


def _safest(near: Sequence[IndexShape], worth: Mapping[IndexShape, Sequence[Gain]]) -> list[IndexShape]:
    """Of indexes that save the same those that do so in the worst case too."""
    worst = {index: max((one.after.high for one in worth[index]), default=1.0) for index in near}
    return [index for index in near if worst[index] <= min(worst.values()) + NEARLY_SAFE]


def _had(best: Mapping[int, tuple[IndexShape, Gain]], one: Gain) -> float:
    found = best.get(id(one.ask))
    return found[1].likely_ms if found else 0.0


def _kept(
    chosen: Sequence[IndexShape],
    worth: Mapping[IndexShape, Sequence[Gain]],
    best: Mapping[int, tuple[IndexShape, Gain]],
) -> dict[IndexShape, list[Gain]]:
    """What a later, wider index answers as well is not built; its asks go over to that one."""
    found: dict[IndexShape, list[Gain]] = {}
    for index in chosen:
        if covering(index, [other for other in chosen if other != index]) is None:
            found[index] = [one for other, one in best.values() if other == index]
    for index, one in best.values():
        wider = covering(index, [other for other in chosen if other != index])
        if wider in found:
            found[wider] += [mine for mine in worth[wider] if mine.ask is one.ask]
    return {index: gains for index, gains in found.items() if gains}


def _proposal(table: Table, index: IndexShape, gains: Sequence[Gain], cost: WriteCost, unit_ms: float) -> Proposal:
    write_ms = cost.units.times(unit_ms)
    saved = Span(
        max(0.0, sum(one.saved_ms.low for one in gains) - write_ms.high),
        max(0.0, sum(one.saved_ms.high for one in gains) - write_ms.low),
    )
    ranked = sorted(gains, key=lambda one: (-one.likely_ms, one.ask.family.id))
    likely = sum(one.likely_ms for one in gains) - write_ms.middle
    return Proposal(table, index, tuple(ranked), round(index_bytes(index, table)), cost, write_ms, saved, likely)


def _why_not(
    ask: Ask,
    gains: Mapping[IndexShape, Sequence[Gain]],
    worth: Mapping[IndexShape, Sequence[Gain]],
    *,
    has_trigrams: bool,
) -> Unread:
    """Why a family that asked for something got nothing."""
    label = ask.need.table.label
    if any(one.ask is ask for found in worth.values() for one in found):
        return Unread("outweighed", f"What an index on {label} would save is little, or less than writing it costs.")
    served = ask.served.index if ask.served is not None else None
    if served is not None:
        sentence = f"The index {served.name} on {label} answers it already."
        if ask.reads_all:
            sentence += " All of the table was read all the same: by calls before it was built, or it is not used."
        return Unread("already_indexed", sentence)
    tried = [(one.after, index) for index, found in gains.items() for one in found if one.ask is ask]
    if tried:
        left, index = min(tried, key=lambda pair: pair[0].middle)
        part = span_text(left.low, left.high, percent_text)
        columns = ", ".join(index.columns)
        return Unread("not_selective", f"By the best index tried, ({columns}) on {label}, {part} of its work is left.")
    if (problem := pattern_problem(ask.need, has_trigrams=has_trigrams)) is not None:
        return problem
    if ask.need.refused:
        return Unread("expression", ask.need.refused[0])
    return Unread("no_condition", f"It asks {label} for rows without a condition that an index answers.")
