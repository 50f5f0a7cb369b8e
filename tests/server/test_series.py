"""Rates are made of differences, never across a reset, a restart or a gap."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from dashboard.server.series import (
    HOUR,
    MINUTE,
    comparable,
    fell,
    gaps,
    growth,
    hit_share,
    levels,
    rate,
    series,
    step_of,
    window_hit_share,
)

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Counters:
    slot: datetime = START
    size_bytes: int | None = 1000
    connections: int | None = 5
    commits: int | None = 100
    rollbacks: int | None = 0
    blocks_read: int | None = 10
    blocks_hit: int | None = 90
    stats_reset_at: datetime | None = None
    started_at: datetime | None = START


@dataclass(frozen=True)
class Cluster(Counters):
    system_identifier: str | None = "7"
    wal_bytes: int | None = 0
    wal_reset_at: datetime | None = None
    checkpoints_timed: int | None = 0
    checkpoint_reset_at: datetime | None = None


FIRST = Counters()
LATER = replace(FIRST, slot=START + timedelta(minutes=1), commits=700, blocks_read=20, blocks_hit=180)


def test_commits_per_second_are_the_difference_over_the_time_between() -> None:
    assert rate(FIRST, LATER, "commits") == 10.0


def test_cache_hits_are_a_share_of_the_blocks_asked_for_between_two_samples() -> None:
    assert hit_share(FIRST, LATER) == 0.9


def test_a_share_of_no_blocks_is_unknown() -> None:
    assert hit_share(FIRST, replace(LATER, blocks_read=10, blocks_hit=90)) is None


def test_nothing_is_said_across_a_reset() -> None:
    assert rate(FIRST, replace(LATER, stats_reset_at=START + timedelta(seconds=30)), "commits") is None


def test_nothing_is_said_across_a_restart() -> None:
    assert rate(FIRST, replace(LATER, started_at=START + timedelta(seconds=30)), "commits") is None


def test_a_counter_that_went_down_is_no_negative_rate() -> None:
    assert rate(FIRST, replace(LATER, commits=50), "commits") is None


def test_an_unknown_counter_stays_unknown() -> None:
    assert rate(FIRST, replace(LATER, commits=None), "commits") is None


def test_a_clock_that_went_back_makes_no_rate() -> None:
    assert rate(FIRST, replace(LATER, slot=START - timedelta(minutes=1)), "commits") is None


def test_a_gap_between_samples_breaks_the_line() -> None:
    after_gap = replace(LATER, slot=START + timedelta(minutes=20))
    drawn = series([FIRST, after_gap])
    assert [value for _, value in drawn.size_bytes] == [1000, None, 1000]
    assert drawn.commits_per_s == [(after_gap.slot, None)]


def test_a_window_shows_where_it_has_no_samples() -> None:
    since, until = START - timedelta(hours=1), START + timedelta(minutes=2)
    assert gaps([FIRST, LATER], since, until) == [(since, START)]
    assert gaps([], since, until) == [(since, until)]


def test_a_window_that_holds_hours_is_drawn_of_hours() -> None:
    day, kept = timedelta(days=1), timedelta(days=7)
    assert (step_of(day, kept), step_of(kept, kept), step_of(kept + MINUTE, kept)) == (5 * MINUTE, 30 * MINUTE, HOUR)
    assert step_of(day, kept, age=timedelta(days=8)) == HOUR
    assert step_of(timedelta(days=90), kept) == 6 * HOUR


def test_what_grew_in_a_window_leaves_out_what_cannot_be_compared() -> None:
    after_reset = replace(LATER, slot=START + timedelta(minutes=2), commits=30, stats_reset_at=START)
    last = replace(after_reset, slot=START + timedelta(minutes=3), commits=60)
    found = growth(comparable([FIRST, LATER, after_reset, last]), "commits")
    assert found is not None
    assert (found.grown, found.seconds, found.per_s) == (630, 120, 5.25)
    assert growth(comparable([FIRST]), "commits") is None


def test_a_hit_share_of_few_blocks_is_not_told() -> None:
    many = replace(LATER, blocks_hit=9_090, blocks_read=1_010)
    few, enough = comparable([FIRST, LATER]), comparable([FIRST, many])
    assert window_hit_share(growth(few, "blocks_hit"), growth(few, "blocks_read")) is None
    assert window_hit_share(growth(enough, "blocks_hit"), growth(enough, "blocks_read")) == 0.9


def test_another_cluster_is_not_joined_to_the_one_before() -> None:
    first, other = Cluster(**vars(FIRST)), Cluster(**vars(LATER) | {"system_identifier": "8"})
    assert rate(first, other, "commits") is None
    assert [value for _, value in levels([first, other], "size_bytes")] == [1000, None, 1000]


def test_wal_and_checkpoints_have_resets_of_their_own() -> None:
    first = Cluster(**vars(FIRST))
    later = Cluster(**vars(LATER) | {"wal_bytes": 6000, "checkpoints_timed": 1, "wal_reset_at": START})
    assert rate(first, later, "wal_bytes") is None
    assert rate(first, replace(later, wal_reset_at=None), "wal_bytes") == 100.0
    assert rate(first, later, "commits") == 10.0


def test_a_loss_is_a_counter_that_fell() -> None:
    assert not fell(FIRST, LATER, ("commits", "blocks_hit"))
    assert fell(LATER, FIRST, ("commits", "blocks_hit"))


def test_an_hour_is_no_gap_among_hours_and_two_are() -> None:
    hourly = [FIRST, replace(FIRST, slot=START + HOUR, commits=3700), replace(FIRST, slot=START + 3 * HOUR)]
    assert rate(hourly[0], hourly[1], "commits") is None
    assert rate(hourly[0], hourly[1], "commits", HOUR) == 1.0
    assert gaps(hourly, START, START + 3 * HOUR, HOUR) == [(START + HOUR, START + 3 * HOUR)]
