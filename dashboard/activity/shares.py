"""What busy sessions were made of: by family, wait, application and user, in average active sessions (pure)."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.activity.waits import CPU, OTHER

# In the order in which they are stacked: what works below what waits; the rest is told as one.
CLASSES = (CPU, "IO", "Lock", "LWLock", "IPC")
REST = "Other waits"
BLOCKED = "Lock"


@dataclass(frozen=True)
class Kind:
    """Sessions that are alike in a span: how often one was met, summed over all looks."""

    wait_class: str
    wait_event: str | None
    queryid: int | None
    application: str
    username: str
    seen: int


@dataclass(frozen=True)
class Family:
    """A statement family as the history names it."""

    id: int
    line: str


@dataclass(frozen=True)
class Share:
    """A part of the busy sessions. `active`: on average at once; `waits` the same by wait class."""

    name: str
    active: float
    share: float
    waits: Mapping[str, float]
    family_id: int | None = None

    @property
    def blocked(self) -> float:
        return self.waits.get(BLOCKED, 0.0)


@dataclass(frozen=True)
class FamilyRow:
    """A row of the list: a family, or what cannot be told to belong to one (`id` None)."""

    id: int | None
    text: str
    active: float
    share: float
    waits: Mapping[str, float]
    blocked: float


def class_of(wait_class: str) -> str:
    return wait_class if wait_class in CLASSES else REST


def shares(kinds: Iterable[Kind], key: Callable[[Kind], Hashable], looks: int) -> list[tuple[Any, Share]]:
    """Each part with its key, the largest first."""
    totals: Counter[Hashable] = Counter()
    waits: dict[Hashable, Counter[str]] = {}
    for one in kinds:
        part = key(one)
        totals[part] += one.seen
        waits.setdefault(part, Counter())[class_of(one.wait_class)] += one.seen
    whole = sum(totals.values())
    if not whole or not looks:
        return []
    ranked = sorted(totals.items(), key=lambda item: (-item[1], str(item[0])))
    return [
        (part, Share(str(part), seen / looks, seen / whole, {n: c / looks for n, c in sorted(waits[part].items())}))
        for part, seen in ranked
    ]


def by_wait(kinds: Sequence[Kind], looks: int) -> list[Share]:
    return [share for _, share in shares(kinds, _wait_words, looks)]


def by_application(kinds: Sequence[Kind], looks: int) -> list[Share]:
    return [share for _, share in shares(kinds, lambda one: one.application or "no name", looks)]


def by_user(kinds: Sequence[Kind], looks: int) -> list[Share]:
    return [share for _, share in shares(kinds, lambda one: one.username or "none", looks)]


def by_family(kinds: Sequence[Kind], looks: int, families: Mapping[int, Family]) -> list[FamilyRow]:
    """Families that share their statements' numbers count together; what has no known family says why."""

    def key(one: Kind) -> tuple[int | None, str]:
        family = families.get(one.queryid) if one.queryid is not None else None
        if family is not None:
            return family.id, family.line
        if one.application == OTHER and one.username == OTHER:
            return None, "many small ones together"
        return None, UNKNOWN if one.queryid is None else UNSTORED

    return [
        FamilyRow(part[0], part[1], share.active, share.share, share.waits, share.blocked)
        for part, share in shares(kinds, key, looks)
    ]


UNKNOWN = "no query id: not planned yet, hidden, or compute_query_id is off"
UNSTORED = "not among the stored statements"


def _wait_words(one: Kind) -> str:
    if one.wait_class == CPU:
        return "CPU: waits for nothing"
    return f"{one.wait_class}: {one.wait_event}" if one.wait_event else one.wait_class


SORTS: dict[str, Callable[[FamilyRow], Any]] = {
    "active": lambda one: one.active,
    "share": lambda one: one.share,
    "blocked": lambda one: one.blocked,
    "text": lambda one: one.text.casefold(),
}


def step_of(window: timedelta, minutes_kept: timedelta, hours_kept: timedelta, reach: timedelta) -> timedelta:
    """Whole minutes, at most 180 bars; an hour or a day where the window reaches so far back that those are kept."""
    shortest = timedelta(minutes=1)
    if reach > hours_kept:
        shortest = timedelta(days=1)
    elif reach > minutes_kept:
        shortest = timedelta(hours=1)
    return next((step for step in STEPS if step >= shortest and window / step <= MOST_BARS), STEPS[-1])


MOST_BARS = 180
STEPS = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440)]


def minute_of(text: str) -> datetime | None:
    """The moment that a bar's link names, with its zone; None when it cannot be read."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo and 2000 < at.year < 2100 else None
