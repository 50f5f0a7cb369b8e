"""Looks at the busy sessions → what a minute is remembered by (pure)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

CPU, OTHER = "CPU", "other"
MOST_GROUPS, MOST_BLOCKERS = 40, 10


@dataclass(frozen=True)
class Group:
    """Sessions that are alike. `wait_class` is CPU for those that wait for nothing; `queryid` None: not known."""

    wait_class: str
    wait_event: str | None
    queryid: int | None
    application: str
    username: str


@dataclass
class Minute:
    """Every look of a minute added up: `seen` counts each group once a look for every session in it."""

    looks: int = 0
    active: int = 0
    most_active: int = 0
    hidden: int = 0
    costs_ms: list[float] = field(default_factory=list)
    seen: Counter[Group] = field(default_factory=Counter)
    blockers: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def look_ms(self) -> float:
        """What a usual look cost the target; one slow one does not count."""
        return median(self.costs_ms) if self.costs_ms else 0.0

    def add(self, look: Mapping[str, Any]) -> None:
        """A row of the probe."""
        self.looks += 1
        self.active += look["active"]
        self.most_active = max(self.most_active, look["active"])
        self.hidden += look["hidden"]
        self.costs_ms.append(look["look_ms"])
        told = 0
        for kind in look["kinds"]:
            self.seen[group_of(kind)] += kind["seen"]
            told += kind["seen"]
        if look["active"] > told:
            self.seen[Group(OTHER, None, None, OTHER, OTHER)] += look["active"] - told
        for one in look["blockers"]:
            self._meet(one)

    def groups(self) -> list[tuple[Group, int]]:
        return bounded(self.seen)

    def worst_blockers(self) -> list[dict[str, Any]]:
        found = sorted(self.blockers.values(), key=lambda one: (-one["held_up"], -one["looks"], one["pid"]))
        return found[:MOST_BLOCKERS]

    def _meet(self, one: Mapping[str, Any]) -> None:
        before = self.blockers.get(one["pid"], {"looks": 0, "held_up": 0})
        seen = {"looks": before["looks"] + 1, "held_up": max(before["held_up"], one["held_up"])}
        self.blockers[one["pid"]] = dict(one) | seen


def group_of(kind: Mapping[str, Any]) -> Group:
    return Group(
        wait_class=kind["wait_event_type"] or CPU,
        wait_event=kind["wait_event"],
        queryid=kind["query_id"] or None,
        application=kind["application"],
        username=kind["username"],
    )


def bounded(seen: Mapping[Group, int], most: int = MOST_GROUPS) -> list[tuple[Group, int]]:
    """The groups that were met most. What is left over is one group a wait class, so that classes stay exact."""
    ranked = sorted(seen.items(), key=lambda item: (-item[1], repr(item[0])))
    kept, rest = ranked[:most], Counter[str]()
    for group, times in ranked[most:]:
        rest[group.wait_class] += times
    others = {Group(name, None, None, OTHER, OTHER): times for name, times in sorted(rest.items())}
    merged = [(group, times + others.pop(group, 0)) for group, times in kept]
    return merged + list(others.items())


@dataclass(frozen=True)
class Pace:
    """How often to look: `pace_s` between `interval_s`, which was asked for, and the slowest; or why not at all."""

    pace_s: int
    interval_s: int
    stopped_reason: str | None = None


SLOWEST_S = 10
MOST_LOOK_MS = 50.0
MOST_SHARE = 0.005


def share_of_a_core(look_ms: float, pace_s: float) -> float:
    return look_ms / 1000 / pace_s


def paced(pace: Pace, look_ms: float) -> Pace:
    """After a minute: half as often when a look costs over 50 ms or all of them over 0.5 % of a core, off when that
    is so at the slowest; twice as often again when that would cost less than half of what is allowed.
    """
    share = share_of_a_core(look_ms, pace.pace_s)
    if look_ms > MOST_LOOK_MS or share > MOST_SHARE:
        if pace.pace_s >= SLOWEST_S:
            reason = f"A look takes the server {look_ms:.0f} ms, {share:.1%} of a core even every {pace.pace_s} s."
            return replace(pace, stopped_reason=reason)
        return replace(pace, pace_s=min(SLOWEST_S, pace.pace_s * 2))
    faster_s = max(pace.interval_s, pace.pace_s // 2)
    if faster_s < pace.pace_s and share_of_a_core(look_ms, faster_s) <= MOST_SHARE / 2:
        return replace(pace, pace_s=faster_s)
    return pace
