"""What is wrong: facts about a target → findings (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.formats import duration_text

UNREACHABLE_AFTER = timedelta(minutes=2)
LATE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class TargetFacts:
    """What the store knows of a target."""

    target_id: int
    slug: str
    state: str
    unreachable_since: datetime | None
    unreachable_reason: str | None
    created_at: datetime
    collected_at: datetime | None
    pending_revisions: int


@dataclass(frozen=True)
class Finding:
    """`rule`, `target_id` and `subject` are its stable key; `remedy` says what to do next."""

    rule: str
    level: str
    target_id: int
    subject: str
    title: str
    remedy: str


def findings(targets: Iterable[TargetFacts], now: datetime) -> list[Finding]:
    """Every finding of every target. A collector that is late says nothing of a target that is unreachable."""
    found = []
    for facts in targets:
        found += [finding for rule in RULES if (finding := rule(facts, now))]
    return found


def unreachable(facts: TargetFacts, now: datetime) -> Finding | None:
    since = facts.unreachable_since
    if facts.state != "unreachable" or since is None or now - since < UNREACHABLE_AFTER:
        return None
    reason = facts.unreachable_reason or "The reason is not known."
    return Finding(
        rule="target_unreachable",
        level="critical",
        target_id=facts.target_id,
        subject=facts.slug,
        title=f"{facts.slug} is unreachable",
        remedy=f"{reason} Check the server and its address, then open the target's page to test the connection.",
    )


def collector_late(facts: TargetFacts, now: datetime) -> Finding | None:
    if facts.state == "unreachable":
        return None
    last = facts.collected_at or facts.created_at
    if now - last < LATE_AFTER:
        return None
    return Finding(
        rule="collector_late",
        level="warning",
        target_id=facts.target_id,
        subject=facts.slug,
        title=f"Nothing was collected from {facts.slug} for {duration_text(now - last)}",
        remedy="See that a worker runs (`pilothouse worker`) and what the target's page says of its probes.",
    )


def migration_pending(facts: TargetFacts, _now: datetime) -> Finding | None:
    if not facts.pending_revisions:
        return None
    number = facts.pending_revisions
    noun = "migration is" if number == 1 else "migrations are"
    return Finding(
        rule="migration_pending",
        level="warning",
        target_id=facts.target_id,
        subject=facts.slug,
        title=f"{number} {noun} pending on {facts.slug}",
        remedy="Read what they change on the target's migrations page, then run them with your deployment.",
    )


RULES = (unreachable, collector_late, migration_pending)
