"""The graph beside the list: which lane each revision stands in and which lines cross its row (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_LANES = 12


@dataclass(frozen=True)
class LaneRow:
    """A row of the drawing. Lines go from a lane at the top edge to one at the bottom edge, all counted from 0.

    `above` are the lanes that come from children into this revision, `below` those that lead on to its parents,
    `passing` go by without touching it.
    """

    revision: str
    lane: int
    above: tuple[int, ...]
    below: tuple[int, ...]
    passing: tuple[int, ...]


def draw(rows: Sequence[tuple[str, Sequence[str]]]) -> dict[str, LaneRow]:
    """Lanes of (revision, parents) in the order of the list: children stand above their parents."""
    lanes: list[str | None] = []
    drawn = {}
    shown = {revision for revision, _ in rows}
    for revision, parents in rows:
        above = tuple(lane for lane, waits_for in enumerate(lanes) if waits_for == revision)
        own = above[0] if above else _free(lanes)
        passing = tuple(lane for lane, waits_for in enumerate(lanes) if waits_for not in (None, revision))
        for lane in above:
            lanes[lane] = None
        below = []
        for parent in parents:
            if parent not in shown:
                continue
            lane = lanes.index(parent) if parent in lanes else own if lanes[own] is None else _free(lanes)
            lanes[lane] = parent
            below.append(lane)
        drawn[revision] = LaneRow(revision, own, above, tuple(below), passing)
        while lanes and lanes[-1] is None:
            lanes.pop()
    return drawn


def width(rows: Sequence[LaneRow]) -> int:
    """How many lanes the drawing needs; what is further right is not drawn."""
    used = [lane for row in rows for lane in (row.lane, *row.above, *row.below, *row.passing)]
    return min(MOST_LANES, max(used, default=0) + 1)


def _free(lanes: list[str | None]) -> int:
    """The first lane that leads nowhere, or a new one."""
    for lane, waits_for in enumerate(lanes):
        if waits_for is None:
            return lane
    lanes.append(None)
    return len(lanes) - 1
