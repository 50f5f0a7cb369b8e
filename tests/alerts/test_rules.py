"""Facts about a target become findings; what is unknown becomes none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dashboard.alerts.rules import TargetFacts, findings

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
CALM = TargetFacts(
    target_id=1,
    slug="shop",
    state="reachable",
    unreachable_since=None,
    unreachable_reason=None,
    created_at=NOW - timedelta(days=1),
    collected_at=NOW - timedelta(seconds=40),
    pending_revisions=0,
)


def rules_of(**changed: object) -> list[str]:
    return [finding.rule for finding in findings([replace(CALM, **changed)], NOW)]


def test_a_calm_target_has_no_finding() -> None:
    assert rules_of() == []


def test_a_target_unreachable_for_two_minutes_is_critical() -> None:
    down = replace(CALM, state="unreachable", unreachable_since=NOW - timedelta(minutes=2), unreachable_reason="No.")
    (finding,) = findings([down], NOW)
    assert (finding.rule, finding.level) == ("target_unreachable", "critical")
    assert finding.remedy.startswith("No. ")


def test_a_target_just_lost_is_given_two_minutes() -> None:
    assert rules_of(state="unreachable", unreachable_since=NOW - timedelta(seconds=90)) == []


def test_an_unreachable_target_is_not_called_late_as_well() -> None:
    lost = NOW - timedelta(hours=1)
    assert rules_of(state="unreachable", unreachable_since=lost, collected_at=lost) == ["target_unreachable"]


def test_a_target_without_a_collection_for_five_minutes_is_late() -> None:
    assert rules_of(collected_at=NOW - timedelta(minutes=5)) == ["collector_late"]


def test_a_target_never_collected_is_late_from_when_it_was_added() -> None:
    assert rules_of(collected_at=None) == ["collector_late"]
    assert rules_of(collected_at=None, created_at=NOW - timedelta(minutes=1)) == []


def test_pending_migrations_are_counted_in_the_title() -> None:
    (one,) = findings([replace(CALM, pending_revisions=1)], NOW)
    (two,) = findings([replace(CALM, pending_revisions=2)], NOW)
    assert one.title == "1 migration is pending on shop"
    assert two.title == "2 migrations are pending on shop"
