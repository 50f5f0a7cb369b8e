"""Who waits for whom, as a tree of lines (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dashboard.activity.rules import Session


@dataclass(frozen=True)
class Waiter:
    """A line of the blocking tree: `depth` 0 blocks others and waits for nobody, or is where a circle was cut."""

    pid: int
    session: Session | None
    depth: int
    waiters: int
    is_repeated: bool = False
    is_circular: bool = False


def blocking_tree(sessions: Sequence[Session]) -> list[Waiter]:
    """Who waits for whom, those who wait for nobody first, the ones that hold up most on top.

    A session stands below the last of those it waits for in a row; where it waits for several that do not wait for
    each other it appears below each of them, with its own waiters only the first time. Sessions that wait in a
    circle start at the smallest pid.
    """
    forest = _Forest(sessions)
    waiters = forest.waiters
    roots = [pid for pid in waiters if pid not in forest.known or not forest.known[pid].is_blocked]
    lines: list[Waiter] = []
    told: set[int] = set()
    for pid in sorted(roots, key=lambda pid: (-len(forest.below(pid)), pid)):
        forest.grow(pid, lines, told)
    while left := sorted(pid for pid in waiters if pid not in told):
        circle = len(lines)
        forest.grow(left[0], lines, told)
        lines[circle] = replace(lines[circle], is_circular=True)
    return lines


class _Forest:
    """Waiters by the pid they wait for. No recursion: chains of locks can be as long as there are connections."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self.known = {one.pid: one for one in sessions}
        self.waiters: dict[int, list[int]] = {}
        self._below: dict[int, set[int]] = {}
        for one in sessions:
            for pid in one.blocked_by:
                self.waiters.setdefault(pid, []).append(one.pid)

    def below(self, pid: int) -> set[int]:
        """Everybody who waits for this session, directly or through others."""
        if pid not in self._below:
            found: set[int] = set()
            stack = [pid]
            while stack:
                new = [waiter for waiter in self.waiters.get(stack.pop(), []) if waiter not in found]
                found.update(new)
                stack += new
            self._below[pid] = found
        return self._below[pid] - {pid}

    def grow(self, root: int, lines: list[Waiter], told: set[int]) -> None:
        """Depth first from one session, onto the lines."""
        stack = [(root, 0)]
        while stack:
            pid, depth = stack.pop()
            is_repeated = pid in told
            waits = len(self.below(pid))
            lines.append(Waiter(pid, self.known.get(pid), depth, waits, is_repeated=is_repeated))
            if not is_repeated:
                told.add(pid)
                next_ones = [one for one in self.waiters.get(pid, []) if not self._waits_for_one_between(one, pid)]
                stack += [(waiter, depth + 1) for waiter in sorted(next_ones, reverse=True)]

    def _waits_for_one_between(self, waiter: int, pid: int) -> bool:
        """It also waits for somebody who waits for this session, and not the other way round."""
        others = set(self.known[waiter].blocked_by) & self.below(pid) - {waiter}
        return any(pid not in self.below(other) for other in others)
