"""What alerts watch for: each rule with its defaults, and facts about a target → observations (pure).

An observation is a number with its words, whether it is bad or not; `steps` decides from it what begins and ends.
A rule that lacks its facts answers None: what is unknown neither fires nor resolves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from dashboard.formats import bytes_text, count_text, duration_text, ms_text, percent_text

Level = Literal["warning", "critical"]


@dataclass(frozen=True)
class Slow:
    """A family in the last quarter of an hour."""

    family_id: int
    text: str
    calls: int
    mean_ms: float


@dataclass(frozen=True)
class Slot:
    """A replication slot: what it holds back, and why in words."""

    name: str
    retained_bytes: int | None
    is_lost: bool
    why: str


@dataclass(frozen=True)
class Unheard:
    """A standby without a connection to its primary: since when nothing came, and for how many seconds."""

    since: datetime
    seconds: float


@dataclass(frozen=True)
class Gone:
    """A follower whose alert fires and who is not there any more; `back`: newcomers of the same application."""

    seen_at: datetime
    back: Sequence[str] = ()


@dataclass(frozen=True)
class TargetFacts:
    """What the store knows of a target; None is unknown. Ages of ids are shares of the stop limit, from 0 to 1.

    A follower whose lag is None is there, but how far it is behind is not known.
    """

    target_id: int
    slug: str
    environment_id: int
    state: str
    unreachable_since: datetime | None
    unreachable_reason: str | None
    created_at: datetime
    collected_at: datetime | None
    pending_revisions: int = 0
    failed_revisions: int = 0
    size_bytes: int | None = None
    growth_24h_bytes: int | None = None
    connections: int | None = None
    connections_max: int | None = None
    blocked: int | None = None
    longest_transaction_ms: float | None = None
    slow: Sequence[Slow] | None = None
    id_shares: Mapping[str, float] | None = None
    lags_s: Mapping[str, float | None] | None = None
    unheard: Unheard | None = None
    gone: Mapping[str, Gone] = field(default_factory=dict)
    slots: Sequence[Slot] | None = None


@dataclass(frozen=True)
class Setting:
    """How a rule is judged in an environment; `minimum` is its second condition, where it has one."""

    is_on: bool
    threshold: float
    for_s: int
    level: Level
    minimum: float | None = None


@dataclass(frozen=True)
class Observation:
    """A number that a rule looks at, None while unknown; rule, target and subject are the alert's stable key."""

    rule: str
    target_id: int
    subject: str
    value: float | None
    title: str
    remedy: str
    href: str


Told = tuple[str, float | None, str, str, str]
Observe = Callable[[TargetFacts, Setting, datetime], list[Told] | None]


@dataclass(frozen=True)
class Rule:
    """`clear`: what share of the threshold the value must fall below before a firing alert may end."""

    key: str
    name: str
    help: str
    unit: str
    default: Setting
    observe: Observe
    clear: float = 1.0
    minimum_name: str | None = None
    needs_reach: bool = True


def observations(facts: TargetFacts, rule: Rule, setting: Setting, now: datetime) -> list[Observation] | None:
    """What a rule sees of a target; None when that is not known. An unreachable target hides everything else."""
    if rule.needs_reach and facts.state == "unreachable":
        return None
    told = rule.observe(facts, setting, now)
    if told is None:
        return None
    return [
        Observation(rule.key, facts.target_id, subject, value, title, remedy, f"/t/{facts.slug}/{page}")
        for subject, value, title, remedy, page in told
    ]


def unreachable(facts: TargetFacts, _setting: Setting, now: datetime) -> list[Told]:
    since = facts.unreachable_since
    if facts.state != "unreachable" or since is None:
        return []
    reason = facts.unreachable_reason or "The reason is not known."
    remedy = f"{reason} Check the server and its address, then open the target's page to test the connection."
    return [(facts.slug, (now - since).total_seconds(), f"{facts.slug} is unreachable", remedy, "")]


def late(facts: TargetFacts, _setting: Setting, now: datetime) -> list[Told]:
    age = now - (facts.collected_at or facts.created_at)
    title = f"Nothing was collected from {facts.slug} for {duration_text(max(age, timedelta(0)))}"
    remedy = "See that a worker runs (`pilothouse worker`) and what the target's page says of its probes."
    return [(facts.slug, age.total_seconds(), title, remedy, "")]


def pending(facts: TargetFacts, _setting: Setting, _now: datetime) -> list[Told]:
    number = facts.pending_revisions
    noun = "migration is" if number == 1 else "migrations are"
    remedy = "Read what they change on the target's migrations page, then run them with your deployment."
    return [(facts.slug, number, f"{number} {noun} pending on {facts.slug}", remedy, "migrations")]


def failed(facts: TargetFacts, _setting: Setting, _now: datetime) -> list[Told]:
    number = facts.failed_revisions
    title = f"{number} {'migration' if number == 1 else 'migrations'} failed on {facts.slug}"
    remedy = "Open the migrations page: it says which one, and how far it came."
    return [(facts.slug, number, title, remedy, "migrations")]


def slow(facts: TargetFacts, setting: Setting, _now: datetime) -> list[Told] | None:
    if facts.slow is None:
        return None
    return [
        (
            str(one.family_id),
            one.mean_ms,
            f"A query of {facts.slug} takes {ms_text(one.mean_ms)} on average",
            f"{count_text(one.calls)} calls in 15 minutes: {one.text[:120]}",
            f"queries/{one.family_id}",
        )
        for one in facts.slow
        if one.calls >= (setting.minimum or 0)
    ]


def connections(facts: TargetFacts, _setting: Setting, _now: datetime) -> list[Told] | None:
    if facts.connections is None or not facts.connections_max:
        return None
    share = facts.connections / facts.connections_max
    title = f"{facts.slug} uses {facts.connections} of {facts.connections_max} connections"
    remedy = "See who holds them by application and state; idle ones point to a pool that is too large."
    return [(facts.slug, share, title, remedy, "server")]


def growth(facts: TargetFacts, setting: Setting, _now: datetime) -> list[Told] | None:
    grown, size = facts.growth_24h_bytes, facts.size_bytes
    if grown is None or not size:
        return None
    before = size - grown
    share = grown / before if before > 0 and grown >= (setting.minimum or 0) else 0.0
    title = f"{facts.slug} grew by {bytes_text(grown)} in 24 hours, to {bytes_text(size)}"
    remedy = "Open its tables, sorted by growth; a step on a chart names the change that caused it."
    return [(facts.slug, share, title, remedy, "tables?sort=growth_24h_bytes")]


def wraparound(facts: TargetFacts, _setting: Setting, _now: datetime) -> list[Told] | None:
    if facts.id_shares is None:
        return None
    remedy = "See what holds the horizon: an old transaction, a prepared one, a slot; end it, then VACUUM (FREEZE)."
    return [
        (kind, share, f"{facts.slug} has used {percent_text(share)} of its {kind} ids", remedy, "vacuum")
        for kind, share in facts.id_shares.items()
    ]


def long_transaction(facts: TargetFacts, _setting: Setting, _now: datetime) -> list[Told] | None:
    if facts.longest_transaction_ms is None:
        return None
    longest = timedelta(milliseconds=facts.longest_transaction_ms)
    title = f"A transaction on {facts.slug} is open for {duration_text(longest)}"
    remedy = "It holds its locks and keeps vacuum from cleaning: see who it is, and end it if nobody needs it."
    return [(facts.slug, longest.total_seconds(), title, remedy, "activity?state=transaction")]


def blocked(facts: TargetFacts, _setting: Setting, _now: datetime) -> list[Told] | None:
    if facts.blocked is None:
        return None
    noun = "session waits" if facts.blocked == 1 else "sessions wait"
    remedy = "The tree of locks shows who holds them up; cancelling the first one frees the rest."
    return [(facts.slug, facts.blocked, f"{facts.blocked} {noun} for locks on {facts.slug}", remedy, "activity")]
