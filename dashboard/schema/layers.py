"""Which layer of a diagram each box belongs to (pure)."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

MOST_IN_LAYER = 12
Key = Hashable


def backward(keys: Iterable[Key], links: Sequence[tuple[Key, Key]]) -> list[bool]:
    """Which links close a cycle when boxes are walked in their order; those are drawn against the flow."""
    following: dict[Key, list[Key]] = defaultdict(list)
    for source, target in links:
        following[source].append(target)
    done: dict[Key, int] = {}
    for start in keys:
        _finish(start, following, done)
    return [done[source] < done[target] for source, target in links]


def _finish(start: Key, following: Mapping[Key, Sequence[Key]], done: dict[Key, int]) -> None:
    """Depth first: numbers boxes in the order in which all that follows them is finished."""
    if start in done:
        return
    open_boxes, stack = {start}, [(start, iter(following.get(start, ())))]
    while stack:
        key, rest = stack[-1]
        following_key = next((item for item in rest if item not in done and item not in open_boxes), None)
        if following_key is None:
            stack.pop()
            done[key] = len(done)
        else:
            open_boxes.add(following_key)
            stack.append((following_key, iter(following.get(following_key, ()))))


def layers_of(keys: Sequence[Key], links: Sequence[tuple[Key, Key]]) -> dict[Key, int]:
    """Longest paths; then sources are pulled towards what they point to and full layers are spread."""
    layer_of = dict.fromkeys(keys, 0)
    for _ in keys:
        late = [(source, target) for source, target in links if layer_of[target] <= layer_of[source]]
        if not late:
            break
        for source, target in late:
            layer_of[target] = max(layer_of[target], layer_of[source] + 1)
    targets: dict[Key, list[Key]] = defaultdict(list)
    for source, target in links:
        targets[source].append(target)
    for key in sorted(targets, key=lambda key: -layer_of[key]):
        layer_of[key] = min(layer_of[target] for target in targets[key]) - 1
    _spread(layer_of, {target for _, target in links}, -1)
    _spread(layer_of, {source for source, _ in links}, 1)
    lowest = min(layer_of.values(), default=0)
    return {key: layer - lowest for key, layer in layer_of.items()}


def _spread(layer_of: dict[Key, int], fixed: set[Key], step: int) -> None:
    """Boxes over the limit of a layer move one layer on, as far as nothing holds them on that side."""
    layer = max(layer_of.values(), default=0) if step < 0 else min(layer_of.values(), default=0)
    while any((other - layer) * step >= 0 for other in layer_of.values()):
        here = [key for key, place in layer_of.items() if place == layer]
        movable = [key for key in here if key not in fixed]
        excess = max(0, len(here) - MOST_IN_LAYER)
        for key in movable[len(movable) - min(excess, len(movable)) :]:
            layer_of[key] += step
        layer += step
