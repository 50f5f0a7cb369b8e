"""What happened between two readings is never negative and never invented."""

import math
import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.statements.latency import deviation
from dashboard.statements.rules import (
    Counters,
    Key,
    Reading,
    difference,
    differences,
    has_restarted,
    step,
    together,
)
from dashboard.statements.texts import one_line

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = Key(10, toplevel=True, queryid=1)
BEFORE = Reading(NOW, NOW, "s/1", NOW - 60 * MINUTE, NOW - 60 * MINUTE, 0, 0, 0.0)
AFTER = replace(BEFORE, slot=NOW + MINUTE, at=NOW + MINUTE)


def counters(times_ms: list[float], since: datetime | None = None) -> Counters:
    spread = statistics.pstdev(times_ms) if times_ms else 0.0
    count = len(times_ms)
    return Counters(count, sum(times_ms), spread, count, count, 0, 0, 0, io_ms=0.0, stats_since=since)


def test_the_deviation_of_an_interval_is_exact() -> None:
    earlier, later = [10.0, 12.0, 900.0, 5.0] * 5, [3.0, 4.0, 50.0]
    added = difference(counters(earlier), counters(earlier + later))
    assert added.calls == 3
    assert added.total_ms == pytest.approx(57.0)
    assert deviation(added.calls, added.total_ms, added.squares_ms2) == pytest.approx(statistics.pstdev(later))


def test_the_deviation_survives_huge_counters() -> None:
    before = Counters(10**9, 2e9, 0.5, 0, 0, 0, 0, 0, io_ms=0.0)
    after = before._replace(calls=10**9 + 100, total_ms=2e9 + 200, stddev_ms=math.sqrt(0.25 * 10**9 / (10**9 + 100)))
    added = difference(before, after)
    assert deviation(added.calls, added.total_ms, added.squares_ms2) == pytest.approx(0.0, abs=0.01)


def test_intervals_of_two_entries_add_up_to_the_deviation_of_all_calls() -> None:
    first, second = [1.0, 2.0, 3.0], [10.0, 30.0]
    both = together(difference(None, counters(first)), difference(None, counters(second)))
    assert deviation(both.calls, both.total_ms, both.squares_ms2) == pytest.approx(statistics.pstdev(first + second))


def test_a_new_entry_counts_in_full() -> None:
    found = differences({}, {KEY: counters([5.0, 7.0])}, step(BEFORE, AFTER), BEFORE)
    assert found.added[KEY].calls == 2


def test_the_first_reading_counts_nothing() -> None:
    assert differences({}, {KEY: counters([5.0])}, step(None, AFTER), None).added == {}


def test_an_entry_that_did_nothing_is_left_out() -> None:
    same = {KEY: counters([5.0])}
    assert differences(same, same, step(BEFORE, AFTER), BEFORE).added == {}


@pytest.mark.parametrize("field", ["calls", "total_ms", "rows", "shared_hit", "wal_bytes"])
def test_any_counter_that_shrank_tells_a_restart(field: str) -> None:
    before = Counters(9, 9.0, 0.0, 9, 9, 9, 9, 9, io_ms=9.0)
    assert has_restarted(before, before._replace(**{field: 8}))
    assert not has_restarted(before, before)


def test_a_restarted_entry_counts_in_full_from_its_new_start() -> None:
    before, now = {KEY: counters([9.0] * 5)}, {KEY: counters([4.0] * 2)}
    found = differences(before, now, step(BEFORE, AFTER), BEFORE)
    assert (found.added[KEY].calls, found.restarted) == (2, 1)


def test_since_17_a_restart_shows_although_no_counter_shrank() -> None:
    before, now = {KEY: counters([1.0], NOW - MINUTE)}, {KEY: counters([1.0] * 3, NOW + MINUTE / 2)}
    assert differences(before, now, step(BEFORE, AFTER), BEFORE).added[KEY].calls == 3


def test_after_a_reset_every_entry_counts_from_zero() -> None:
    reset = replace(AFTER, stats_reset_at=NOW + MINUTE / 2)
    how = step(BEFORE, reset)
    found = differences({KEY: counters([1.0])}, {KEY: counters([1.0] * 3)}, how, BEFORE)
    assert found.added[KEY].calls == 3
    assert how.reasons == ["The statement statistics were emptied at 12:00 UTC, by a reset or a crash."]


def test_a_reset_older_than_the_last_reading_is_another_server() -> None:
    assert not step(BEFORE, replace(AFTER, stats_reset_at=NOW - MINUTE)).counts


def test_another_system_counts_anew() -> None:
    assert not step(BEFORE, replace(AFTER, epoch="t/1")).counts


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (replace(AFTER, evictions=2), "dropped"),
        (replace(AFTER, started_at=NOW), "restarted"),
        (replace(AFTER, slot=NOW + 4 * MINUTE), "4 minutes"),
        (replace(AFTER, slot=NOW - 2 * MINUTE), "set back"),
    ],
)
def test_what_may_be_lost_is_said(after: Reading, word: str) -> None:
    how = step(BEFORE, after)
    assert how.counts
    assert word in how.reasons[0]


def test_three_late_intervals_are_no_loss() -> None:
    assert step(BEFORE, replace(AFTER, slot=NOW + 3 * MINUTE)).reasons == []


def test_an_entry_that_was_only_hidden_does_not_count_its_past() -> None:
    hidden = replace(BEFORE, hidden_entries=3)
    found = differences({}, {KEY: counters([1.0] * 1000, NOW - 9 * MINUTE)}, step(hidden, AFTER), hidden)
    assert (found.added, found.uncovered) == ({}, 1)


def test_a_statement_that_ran_over_the_last_reading_counts_when_it_ends() -> None:
    long = {KEY: counters([300_000.0], NOW - 4 * MINUTE)}
    assert differences({}, long, step(BEFORE, AFTER), BEFORE).added[KEY].total_ms == 300_000.0


def test_untimed_reading_stays_unknown() -> None:
    untimed = counters([1.0])._replace(io_ms=None)
    assert difference(None, untimed).io_ms is None
    assert together(difference(None, untimed), difference(None, counters([1.0]))).io_ms is None
    timed_again = counters([1.0, 1.0])._replace(io_ms=9_000.0)
    assert difference(untimed, timed_again).io_ms is None, "what it counted before it was switched off is no I/O of now"


def test_one_line_shows_what_would_hide() -> None:
    assert one_line("select\n\t1\x01\u202e") == "select 1␁\\u202e"
    assert one_line("x" * 300) == "x" * 240 + " …"
