"""The graph beside the list: which lane each revision stands in and which lines cross its row (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_LANES = 12


@dataclass(frozen=True)
class LaneRow:
    """A row of the drawing. Lines go from a lane at the top edge to one at the bottom edge, all counted from 0.

    `above` are the lanes that come from children into this revision, `below` those that lead on to its parents,
    `passing` go by without touching it: (lane at the top, lane at the bottom).
    """

    revision: str
    lane: int
    above: tuple[int, ...]
    below: tuple[int, ...]
    passing: tuple[tuple[int, int], ...]


def draw(rows: Sequence[tuple[str, Sequence[str]]]) -> dict[str, LaneRow]:
    """Lanes of (revision, parents) in the order of the list: children stand above their parents."""
    lanes: list[str | None] = []
    drawn, coming = {}, {revision for revision, _ in rows}
    for revision, parents in rows:
        coming.discard(revision)  # in a circle a parent may stand above
        above = tuple(lane for lane, waits_for in enumerate(lanes) if waits_for == revision)
        own = above[0] if above else _free(lanes)
        for lane in above:
            lanes[lane] = None
        before = list(lanes)
        below = [_lane_for(parent, lanes, own) for parent in parents if parent in coming]
        passing = [(lane, lanes.index(name)) for lane, name in enumerate(before) if name is not None]
        drawn[revision] = LaneRow(revision, own, above, tuple(below), tuple(passing))
        while lanes and lanes[-1] is None:
            lanes.pop()
    return drawn


def _lane_for(parent: str, lanes: list[str | None], own: int) -> int:
    """Where the line to a parent goes: one that waits further right is drawn to this lane, so that trunks stay left."""
    if parent in lanes:
        waiting = lanes.index(parent)
        if waiting < own or lanes[own] is not None:
            return waiting
        lanes[waiting] = None
    lane = own if lanes[own] is None else _free(lanes)
    lanes[lane] = parent
    return lane


def width(rows: Sequence[LaneRow]) -> int:
    """How many lanes the drawing needs; what is further right is not drawn."""
    used = [lane for row in rows for lane in (row.lane, *row.above, *row.below, *sum(row.passing, ()))]
    return min(MOST_LANES, max(used, default=0) + 1)


def _free(lanes: list[str | None]) -> int:
    """The first lane that leads nowhere, or a new one."""
    for lane, waits_for in enumerate(lanes):
        if waits_for is None:
            return lane
    lanes.append(None)
    return len(lanes) - 1
