"""Places boxes in layers and draws orthogonal arrows between them (pure).

Layered drawing after Sugiyama: cycles are broken, each box gets a layer left of what it points to, long arrows get
waypoints, layers are ordered by barycentres, and each arrow turns in the channel between two layers.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from dashboard.schema.layers import backward, layers_of

SWEEPS = 8
GAP_Y = 18.0
CHANNEL = 36.0
TRACK = 9.0
MARGIN = 16.0
Key = Hashable


@dataclass(frozen=True)
class Box:
    key: Key
    width: float
    height: float


@dataclass(frozen=True)
class Arrow:
    """From one box to another, attached at these heights below their tops."""

    source: Key
    target: Key
    source_y: float
    target_y: float


@dataclass(frozen=True)
class Drawing:
    """Left upper corners of the boxes, the corners of each arrow in the order given, and the size of it all."""

    places: Mapping[Key, tuple[float, float]]
    routes: Sequence[Sequence[tuple[float, float]]]
    width: float
    height: float


@dataclass(frozen=True)
class Waypoint:
    """Where arrows towards the same end cross a layer."""

    end: Key
    end_y: float
    layer: int


def draw(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> Drawing:
    sizes = {box.key: box for box in boxes}
    is_backward = backward(sizes, [(arrow.source, arrow.target) for arrow in arrows])
    links = [_turned(arrow) if turned else arrow for arrow, turned in zip(arrows, is_backward, strict=True)]
    layer_of = layers_of(list(sizes), [(link.source, link.target) for link in links if link.source != link.target])
    chains = [_chain(link, layer_of) for link in links]
    layers = _ordered(layer_of, chains)
    tops = _heights(layers, chains, sizes)
    ends = [_ends(link, chain, tops) for link, chain in zip(links, chains, strict=True)]
    columns, tracks, width = _columns(layers, chains, ends, sizes)
    routes = [_route(chain, ys, columns, tracks, layer_of, sizes) for chain, ys in zip(chains, ends, strict=True)]
    places = {key: (columns[layer_of[key]][0], tops[key]) for key in sizes}
    bottom = max((tops[box.key] + box.height for box in boxes), default=0.0)
    turned = [_facing(route, arrow, link) for route, arrow, link in zip(routes, arrows, links, strict=True)]
    lowest = max([bottom, *(tops[key] for layer in layers for key in layer)])
    return Drawing(places, turned, width, lowest + MARGIN)


def _turned(arrow: Arrow) -> Arrow:
    return Arrow(arrow.target, arrow.source, arrow.target_y, arrow.source_y)


def _chain(link: Arrow, layer_of: Mapping[Key, int]) -> list[Key]:
    """Its two ends and a waypoint in each layer between them; arrows to the same end share waypoints."""
    between = range(layer_of[link.source] + 1, layer_of[link.target])
    return [link.source, *(Waypoint(link.target, link.target_y, layer) for layer in between), link.target]


def _ordered(layer_of: Mapping[Key, int], chains: Sequence[Sequence[Key]]) -> list[list[Key]]:
    """Each layer from top to bottom: boxes near the middle of what they are joined with."""
    layers: list[list[Key]] = [[] for _ in range(max(layer_of.values(), default=-1) + 1)]
    for key, place in layer_of.items():
        layers[place].append(key)
    seen: set[Key] = set(layer_of)
    for chain in chains:
        for point in chain:
            if isinstance(point, Waypoint) and point not in seen:
                seen.add(point)
                layers[point.layer].append(point)
    before, after = _neighbours(chains)
    for sweep in range(SWEEPS):
        places = {key: index / max(1, len(column)) for column in layers for index, key in enumerate(column)}
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            joined = before if sweep % 2 == 0 else after
            layer.sort(key=lambda key: _mean([places[other] for other in joined[key]], places[key]))
            places |= {key: index / len(layer) for index, key in enumerate(layer)}
    return layers


def _neighbours(chains: Sequence[Sequence[Key]]) -> tuple[dict[Key, set[Key]], dict[Key, set[Key]]]:
    before: dict[Key, set[Key]] = defaultdict(set)
    after: dict[Key, set[Key]] = defaultdict(set)
    for chain in chains:
        for left, right in pairwise(chain):
            if left != right:
                before[right].add(left)
                after[left].add(right)
    return before, after


def _heights(
    layers: Sequence[Sequence[Key]], chains: Sequence[Sequence[Key]], sizes: Mapping[Key, Box]
) -> dict[Key, float]:
    """Tops of boxes and waypoints: in the order of their layer, close to what they are joined with."""
    heights = {key: sizes[key].height if key in sizes else 0.0 for layer in layers for key in layer}
    tops: dict[Key, float] = {}
    for layer in layers:
        wanted = [0.0] * len(layer)
        tops |= _stacked(layer, wanted, heights)
    before, after = _neighbours(chains)
    for sweep in range(SWEEPS):
        joined = after if sweep % 2 == 0 else before
        for layer in reversed(layers) if sweep % 2 == 0 else layers:
            middles = [
                _mean([tops[other] + heights[other] / 2 for other in joined[key]], tops[key] + heights[key] / 2)
                for key in layer
            ]
            wanted = [middle - heights[key] / 2 for middle, key in zip(middles, layer, strict=True)]
            tops |= _stacked(layer, wanted, heights)
    shift = MARGIN - min(tops.values(), default=MARGIN)
    return {key: top + shift for key, top in tops.items()}


def _stacked(layer: Sequence[Key], wanted: Sequence[float], heights: Mapping[Key, float]) -> dict[Key, float]:
    """As near to the wanted tops as order and gaps allow: the mean of stacking down and stacking up."""
    down: list[float] = []
    for key_index, want in enumerate(wanted):
        floor = down[-1] + heights[layer[key_index - 1]] + GAP_Y if down else want
        down.append(max(want, floor))
    up: list[float] = []
    for key_index in reversed(range(len(layer))):
        ceiling = up[-1] - heights[layer[key_index]] - GAP_Y if up else wanted[key_index]
        up.append(min(wanted[key_index], ceiling))
    return {key: (low + high) / 2 for key, low, high in zip(layer, down, reversed(up), strict=True)}


def _ends(link: Arrow, chain: Sequence[Key], tops: Mapping[Key, float]) -> list[float]:
    """The height at which the arrow passes each point of its chain."""
    inner = [tops[point] for point in chain[1:-1]]
    return [tops[link.source] + link.source_y, *inner, tops[link.target] + link.target_y]


def _columns(
    layers: Sequence[Sequence[Key]],
    chains: Sequence[Sequence[Key]],
    ends: Sequence[Sequence[float]],
    sizes: Mapping[Key, Box],
) -> tuple[list[tuple[float, float]], dict[tuple[Key, float], float], float]:
    """Left and right edge of each layer, the vertical track of each arrow's end in the channel before it, the width."""
    waiting: dict[int, dict[tuple[Key, float], float]] = defaultdict(dict)
    layer_of = {key: index for index, layer in enumerate(layers) for key in layer}
    for chain, ys in zip(chains, ends, strict=True):
        for (left, right), (y1, y2) in zip(pairwise(chain), pairwise(ys), strict=True):
            if left != right:
                waiting[layer_of[left]][right, y2] = y1 if y2 > y1 else -y1
    columns: list[tuple[float, float]] = []
    tracks: dict[tuple[Key, float], float] = {}
    x = MARGIN
    for index, layer in enumerate(layers):
        width = max((sizes[key].width for key in layer if key in sizes), default=0.0)
        columns.append((x, x + width))
        ordered = sorted(waiting[index], key=lambda end: -waiting[index][end])
        tracks |= {end: x + width + CHANNEL / 2 + place * TRACK for place, end in enumerate(ordered)}
        x += width + CHANNEL + max(0, len(ordered) - 1) * TRACK
    return columns, tracks, columns[-1][1] + CHANNEL if columns else 0.0


def _route(
    chain: Sequence[Key],
    ys: Sequence[float],
    columns: Sequence[tuple[float, float]],
    tracks: Mapping[tuple[Key, float], float],
    layer_of: Mapping[Key, int],
    sizes: Mapping[Key, Box],
) -> list[tuple[float, float]]:
    source, target = chain[0], chain[-1]
    right_edge = columns[layer_of[source]][0] + sizes[source].width
    if source == target:
        out = right_edge + CHANNEL / 3
        return [(right_edge, ys[0]), (out, ys[0]), (out, ys[-1]), (right_edge, ys[-1])]
    points = [(right_edge, ys[0])]
    for right, (y1, y2) in zip(chain[1:], pairwise(ys), strict=True):
        x = tracks[right, y2]
        points += [(x, y1), (x, y2)] if y1 != y2 else []
    return [*points, (columns[layer_of[target]][0], ys[-1])]


def _facing(route: Sequence[tuple[float, float]], arrow: Arrow, link: Arrow) -> list[tuple[float, float]]:
    """Corners from the source of the arrow to its target, whichever way it was laid out."""
    return list(route) if link is arrow else list(reversed(route))


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
