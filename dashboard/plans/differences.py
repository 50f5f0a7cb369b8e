"""Two plans node by node: what stayed, changed, went and came, with what each was expected to cost (pure)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal

from dashboard.plans.rules import Node

# A parameter, or the value that was masked in its place: the same condition.
_VALUE = re.compile(r"\$\d+|\?(?:::[\w ]+(?:\(\?(?:,\?)?\))?)?")
State = Literal["same", "changed", "removed", "added"]


@dataclass(frozen=True)
class Pair:
    """A row of the comparison; `before` or `after` is missing where a node came or went."""

    state: State
    branch: str
    before: Node | None
    after: Node | None

    @property
    def title(self) -> str:
        return self._shown.title

    @property
    def was(self) -> str | None:
        """What the node was called before, when that differs."""
        if self.before and self.after and self.before.title != self.after.title:
            return self.before.title
        return None

    @property
    def conditions(self) -> list[tuple[str, str | None, str | None]]:
        """Conditions that differ: (name, before, after)."""
        if self.before is None or self.after is None:
            return []
        old, new = dict(self.before.conditions), dict(self.after.conditions)
        return [
            (name, old.get(name), new.get(name))
            for name in old | new
            if _without_values(old.get(name)) != _without_values(new.get(name))
        ]

    @property
    def _shown(self) -> Node:
        shown = self.after or self.before
        assert shown is not None  # noqa: S101 - one of the two is always there
        return shown


def compare(before: Sequence[Node], after: Sequence[Node]) -> list[Pair]:
    """Matched from the root down: children that do the same to the same relation belong together."""
    return list(_pairs(_Tree(before), _Tree(after), 0, 0, "", ""))


class _Tree:
    """Rows with the children that their depths tell."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self.children: list[list[int]] = [[] for _ in nodes]
        path: list[int] = []
        for number, node in enumerate(nodes):
            del path[node.depth :]
            if path:
                self.children[path[-1]].append(number)
            path.append(number)


def _pairs(old: _Tree, new: _Tree, left: int, right: int, branch: str, below: str) -> Iterator[Pair]:
    before, after = old.nodes[left], new.nodes[right]
    pair = Pair("changed", branch, before, after)
    yield pair if pair.was or pair.conditions else replace(pair, state="same")
    matched = list(_matched(old, new, old.children[left], new.children[right]))
    for place, (one, other) in enumerate(matched):
        end, rest = ("└ ", "  ") if place == len(matched) - 1 else ("├ ", "│ ")
        if one is not None and other is not None:
            yield from _pairs(old, new, one, other, below + end, below + rest)
        elif one is not None:
            yield from _alone("removed", old, one, below + end, below + rest)
        elif other is not None:
            yield from _alone("added", new, other, below + end, below + rest)


def _matched(
    old: _Tree, new: _Tree, left: Sequence[int], right: Sequence[int]
) -> Iterator[tuple[int | None, int | None]]:
    """Children in order; what was replaced is paired when it reads the same relation or is the same kind of work."""
    matcher = SequenceMatcher(
        None, [_key(old.nodes[one]) for one in left], [_key(new.nodes[one]) for one in right], autojunk=False
    )
    for tag, first, last, begin, end in matcher.get_opcodes():
        if tag == "equal":
            yield from zip(left[first:last], right[begin:end], strict=True)
            continue
        gone, come = list(left[first:last]), list(right[begin:end])
        while gone and come and _is_alike(old, new, gone[0], come[0]):
            yield gone.pop(0), come.pop(0)
        yield from ((one, None) for one in gone)
        yield from ((None, one) for one in come)


def _is_alike(old: _Tree, new: _Tree, left: int, right: int) -> bool:
    before, after = old.nodes[left], new.nodes[right]
    if before.relation or after.relation:
        return before.relation == after.relation
    return before.kind == after.kind or len(old.children[left]) == len(new.children[right]) > 0


def _alone(state: State, tree: _Tree, number: int, branch: str, below: str) -> Iterator[Pair]:
    node = tree.nodes[number]
    yield Pair(state, branch, None, node) if state == "added" else Pair(state, branch, node, None)
    children = tree.children[number]
    for place, child in enumerate(children):
        end, rest = ("└ ", "  ") if place == len(children) - 1 else ("├ ", "│ ")
        yield from _alone(state, tree, child, below + end, below + rest)


def _key(node: Node) -> tuple[str, str | None, str | None]:
    return node.kind, node.relation, node.index


def _without_values(condition: str | None) -> str | None:
    return None if condition is None else _VALUE.sub("?", condition)
