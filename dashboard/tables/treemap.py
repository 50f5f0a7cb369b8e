"""Boxes whose areas are sizes, as square as they can be (pure): squarified as by Bruls, Huizing and van Wijk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Thing = TypeVar("Thing")
MOST = 200
WIDTH, HEIGHT = 1200.0, 640.0
HEAD = 20.0


@dataclass(frozen=True)
class Box(Generic[Thing]):
    """A place in a drawing of WIDTH times HEIGHT; `thing` None: what was too small to be drawn alone."""

    x: float
    y: float
    width: float
    height: float
    size: float
    thing: Thing | None

    @property
    def is_named(self) -> bool:
        """Whether a few letters can be read in it."""
        return self.width >= 34 and self.height >= 18

    @property
    def share(self) -> tuple[float, float, float, float]:
        """x, y, width and height as percent of the drawing: it stretches, letters do not."""
        across, down = 100 / WIDTH, 100 / HEIGHT
        return self.x * across, self.y * down, self.width * across, self.height * down


@dataclass(frozen=True)
class Group(Generic[Thing]):
    """A frame around boxes that belong together, with a line for its name."""

    name: str
    frame: Box[str]
    boxes: tuple[Box[Thing], ...]


def grouped(
    things: Sequence[tuple[str, Thing, int]], others: Iterable[tuple[str, int]] = ()
) -> tuple[Group[Thing], ...]:
    """Frames of groups with the boxes of their things inside; `others` are what each group has besides."""
    rest = dict(others)
    sizes: dict[str, float] = {name: float(size) for name, size in rest.items() if size > 0}
    for name, _, size in things:
        sizes[name] = sizes.get(name, 0.0) + size
    frames = squarified(list(sizes.items()), 0, 0, WIDTH, HEIGHT)
    return tuple(
        Group(
            str(frame.thing),
            frame,
            _inside(frame, [(thing, size) for name, thing, size in things if name == frame.thing],
                    rest.get(str(frame.thing), 0)),
        )
        for frame in frames
    )  # fmt: skip


def squarified(
    things: Sequence[tuple[Thing, float]], x: float, y: float, width: float, height: float
) -> list[Box[Thing]]:
    """Boxes of these things that fill the rectangle, largest first; what has no size has no box."""
    left = sorted(((thing, size) for thing, size in things if size > 0), key=lambda pair: -pair[1])
    total = sum(size for _, size in left)
    if not left or width <= 0 or height <= 0:
        return []
    scale, found = width * height / total, list[Box[Thing]]()
    while left:
        side = min(width, height)
        row = _row([size * scale for _, size in left], side)
        depth = sum(size for _, size in left[:row]) * scale / side
        place = 0.0
        for thing, size in left[:row]:
            length = size * scale / depth
            if width >= height:
                found.append(Box(x, y + place, depth, length, size, thing))
            else:
                found.append(Box(x + place, y, length, depth, size, thing))
            place += length
        x, y, width, height = (
            (x + depth, y, width - depth, height) if width >= height else (x, y + depth, width, height - depth)
        )
        left = left[row:]
    return found


def _inside(frame: Box[str], things: Sequence[tuple[Thing, int]], rest: int) -> tuple[Box[Thing], ...]:
    inner = (frame.x + 1, frame.y + HEAD, frame.width - 2, frame.height - HEAD - 1)
    placed: list[tuple[Thing | None, float]] = [(thing, float(size)) for thing, size in things]
    if rest > 0:
        placed.append((None, float(rest)))
    return tuple(Box(box.x, box.y, box.width, box.height, box.size, box.thing) for box in squarified(placed, *inner))


def _row(areas: Sequence[float], side: float) -> int:
    """How many of these areas, largest first, make the squarest row along a side."""
    best, total = float("inf"), 0.0
    for count, area in enumerate(areas, 1):
        total += area
        worst = max(side**2 * areas[0] / total**2, total**2 / (side**2 * area))
        if worst > best:
            return count - 1
        best = worst
    return len(areas)
