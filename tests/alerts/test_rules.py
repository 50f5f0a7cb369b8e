"""Facts about a target become observations; what is unknown becomes none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.alerts.catalogue import RULES
from dashboard.alerts.rules import Gone, Observation, Slot, Slow, TargetFacts, Unheard, observations

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
GIGABYTE = 1 << 30
CALM = TargetFacts(
    target_id=1,
    slug="shop",
    environment_id=1,
    state="reachable",
    unreachable_since=None,
    unreachable_reason=None,
    created_at=NOW - timedelta(days=1),
    collected_at=NOW - timedelta(seconds=40),
    size_bytes=10 * GIGABYTE,
    growth_24h_bytes=0,
    connections=5,
    connections_max=100,
    blocked=0,
    longest_transaction_ms=0.0,
    slow=(),
    id_shares={"transaction": 0.1},
    lags_s={},
    slots=(),
)


def seen(rule: str, **changed: Any) -> list[Observation] | None:
    return observations(replace(CALM, **changed), RULES[rule], RULES[rule].default, NOW)


def bad(rule: str, **changed: Any) -> list[str]:
    """Titles of what has reached the rule's usual threshold."""
    return [one.title for one in seen(rule, **changed) or [] if (one.value or 0) >= RULES[rule].default.threshold]


@pytest.mark.parametrize("rule", RULES)
def test_a_calm_target_has_nothing_bad(rule: str) -> None:
    assert bad(rule) == []


@pytest.mark.parametrize("rule", [key for key, rule in RULES.items() if rule.needs_reach])
def test_of_an_unreachable_target_nothing_else_is_known(rule: str) -> None:
    assert seen(rule, state="unreachable", unreachable_since=NOW - timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("rule", "unknown"),
    [
        ("slow_query", {"slow": None}),
        ("connections", {"connections": None}),
        ("connections", {"connections_max": 0}),
        ("database_growth", {"growth_24h_bytes": None}),
        ("wraparound", {"id_shares": None}),
        ("replication_lag", {"lags_s": None}),
        ("slot_holds_wal", {"slots": None}),
        ("long_transaction", {"longest_transaction_ms": None}),
        ("blocked_sessions", {"blocked": None}),
    ],
)
def test_a_rule_without_its_facts_says_nothing(rule: str, unknown: dict[str, Any]) -> None:
    assert seen(rule, **unknown) is None


@pytest.mark.parametrize(
    ("rule", "facts", "title"),
    [
        ("target_unreachable", {"state": "unreachable", "unreachable_since": NOW - timedelta(minutes=2)},
         "shop is unreachable"),
        ("collector_late", {"collected_at": NOW - timedelta(minutes=5)}, "Nothing was collected from shop for 5 min"),
        ("collector_late", {"collected_at": None, "created_at": NOW - timedelta(hours=2)},
         "Nothing was collected from shop for 2 h"),
        ("migration_pending", {"pending_revisions": 1}, "1 migration is pending on shop"),
        ("migration_pending", {"pending_revisions": 2}, "2 migrations are pending on shop"),
        ("migration_failed", {"failed_revisions": 1}, "1 migration failed on shop"),
        ("slow_query", {"slow": [Slow(7, "select 1", 20, 1_500)]}, "A query of shop takes 1.5 s on average"),
        ("connections", {"connections": 85}, "shop uses 85 of 100 connections"),
        ("database_growth", {"growth_24h_bytes": 2 * GIGABYTE}, "shop grew by 2 GB in 24 hours, to 10 GB"),
        ("wraparound", {"id_shares": {"multixact": 0.5}}, "shop has used 50 % of its multixact ids"),
        ("replication_lag", {"lags_s": {"standby-1": 90.0}}, "standby-1 is 1 min 30 s behind on shop"),
        ("replication_lag", {"lags_s": {"this server": None}, "unheard": Unheard(NOW - timedelta(minutes=9), 540.0)},
         "shop is not connected to its primary since 2026-11-01 11:51 UTC"),
        ("replication_lag", {"gone": {"copy @ 10.0.0.5": Gone(NOW - timedelta(minutes=1))}},
         "copy @ 10.0.0.5 is no longer connected to shop, last seen 2026-11-01 11:59 UTC"),
        ("slot_holds_wal", {"slots": [Slot("cdc", 12 * GIGABYTE, False, "Idle")]},
         "Slot cdc of shop holds 12 GB of WAL"),
        ("slot_holds_wal", {"slots": [Slot("cdc", 0, True, "Removed.")]}, "Slot cdc of shop was lost"),
        ("long_transaction", {"longest_transaction_ms": 1_800_000.0}, "A transaction on shop is open for 30 min"),
        ("blocked_sessions", {"blocked": 3}, "3 sessions wait for locks on shop"),
    ],
)  # fmt: skip
def test_each_rule_says_what_is_bad(rule: str, facts: dict[str, Any], title: str) -> None:
    assert bad(rule, **facts) == [title]


@pytest.mark.parametrize(("lag_s", "is_back"), [(0.0, True), (90.0, False), (None, False)])
def test_a_follower_is_back_when_a_newcomer_of_its_application_has_caught_up(lag_s: Any, *, is_back: bool) -> None:
    gone = {"copy @ 10.0.0.5": Gone(NOW, ["copy @ 10.0.0.9"])}
    told = {one.subject for one in seen("replication_lag", lags_s={"copy @ 10.0.0.9": lag_s}, gone=gone) or []}
    assert ("copy @ 10.0.0.5" not in told) is is_back


def test_a_slow_query_that_hardly_runs_is_not_told() -> None:
    assert seen("slow_query", slow=[Slow(7, "select 1", 19, 60_000)]) == []


def test_little_growth_of_a_small_database_is_no_alarm() -> None:
    assert bad("database_growth", size_bytes=100 << 20, growth_24h_bytes=90 << 20) == []


def test_an_observation_leads_to_the_page_that_shows_more() -> None:
    (one,) = seen("slow_query", slow=[Slow(7, "select 1", 20, 1_500)]) or []
    assert (one.subject, one.href) == ("7", "/t/shop/queries/7")
