"""Whether an index is used, and when nothing can be said about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.tables.rows import Index
from dashboard.tables.verdicts import HostUse, Use, index_window, judge_use, last_month_end, missing_evidence
from tests.tables.index_rows import LONG_AGO, NOW, index

DAY = timedelta(days=1)
PLAIN = index()


def judged(
    scans: int | None = 0, *, days: float = 90, of: Index = PLAIN, missing: tuple[str, ...] = (), **more: Any
) -> Use:  # fmt: skip
    host = HostUse("Shop", scans, more.get("rows", 0), NOW - days * DAY, more.get("last_used_at"))
    return judge_use(of, [host, *more.get("others", ())], missing, NOW)


@pytest.mark.parametrize(
    ("scans", "days", "verdict"),
    [(0, 90, "idle"), (0, 30, "not_enough_evidence"), (0, 31, "not_enough_evidence"), (0, 32, "idle"),
     (5, 90, "rarely"), (5, 20, "not_enough_evidence"), (90, 90, "used"), (1, 0.1, "used"), (100, 20, "used"),
     (None, 90, "not_enough_evidence")],
)  # fmt: skip
def test_absence_needs_a_business_cycle_and_use_does_not(scans: int | None, days: float, verdict: str) -> None:
    at = datetime(2026, 3, 31, 12, tzinfo=UTC) if days == 31 else NOW
    host = HostUse("Shop", scans, 0, at - days * DAY)
    assert judge_use(PLAIN, [host], (), at).verdict == verdict


def test_a_window_must_hold_the_last_day_of_a_month() -> None:
    at = datetime(2026, 3, 31, 12, tzinfo=UTC)
    assert last_month_end(at) == datetime(2026, 2, 28, tzinfo=UTC)
    at = datetime(2026, 7, 31, 12, tzinfo=UTC)
    assert "last day of a month" in str(missing_evidence(at - 31 * DAY, (), at))
    assert missing_evidence(at - 31.6 * DAY, (), at) is None


def test_a_server_that_nobody_watches_blocks_the_verdict() -> None:
    use = judged(0, missing=("1 standby server",))
    assert (use.verdict, "1 standby server" in use.why) == ("not_enough_evidence", True)
    assert judged(900, missing=("1 standby server",)).verdict == "used"


def test_scans_add_up_over_primary_and_standbys() -> None:
    standby = HostUse("Replica", 300, 0, LONG_AGO)
    use = judged(0, others=[standby])
    assert (use.verdict, use.scans, "2 servers" in use.why) == ("used", 300, True)


def test_the_window_is_the_shortest_of_all_servers() -> None:
    fresh = HostUse("Replica", 0, 0, NOW - 3 * DAY)
    use = judged(0, others=[fresh])
    assert (use.verdict, use.since) == ("not_enough_evidence", NOW - 3 * DAY)


def test_a_server_that_does_not_know_since_when_it_counts_blocks_the_verdict() -> None:
    assert judged(0, others=[HostUse("Replica", 0, 0, None)]).verdict == "not_enough_evidence"
    assert judged(0, others=[HostUse("Replica", None, None, LONG_AGO)]).verdict == "not_enough_evidence"


@pytest.mark.parametrize(
    ("what", "words"),
    [({"is_primary": True, "is_unique": True}, "primary key"), ({"is_unique": True}, "uniqueness"),
     ({"is_unique": True, "constraint_name": "t_key"}, "the constraint t_key"), ({"is_exclusion": True}, "exclusion"),
     ({"is_replica_identity": True}, "replica identity"), ({"is_referenced": True}, "foreign key"),
     ({"expressions": "lower(c)"}, "statistics about lower(c)"), ({"parent_oid": 7}, "partitioned index"),
     ({"is_clustered": True}, "clustered")],
)  # fmt: skip
def test_what_serves_another_purpose_cannot_be_dropped_and_says_why(what: dict[str, Any], words: str) -> None:
    use = judged(0, of=replace(PLAIN, **what))
    assert (use.verdict, words in use.why) == ("cannot_drop", True)
    assert judged(900, of=replace(PLAIN, **what)).verdict == "used"


def test_much_use_long_ago_is_none_since() -> None:
    use = judged(100_000, days=400, last_used_at=NOW - 60 * DAY)
    assert (use.verdict, use.since, use.why) == ("idle", NOW - 60 * DAY, "Last used 60 days ago on Shop.")


def test_much_use_until_lately_is_use() -> None:
    assert judged(100_000, days=400, last_used_at=NOW - 5 * DAY).verdict == "used"


def watched(scans: int, **more: Any) -> HostUse:
    """A server that has counted for two years, and was watched for the last forty days."""
    return HostUse("Shop", scans, 0, NOW - 40 * DAY, more.pop("at", None), NOW - 730 * DAY, **more)


@pytest.mark.parametrize("at", [None, NOW - 60 * DAY])
def test_scans_from_before_the_watching_are_no_use_of_today(at: datetime | None) -> None:
    use = judge_use(PLAIN, [watched(1_000_000, at=at)], (), NOW)
    assert (use.verdict, use.scans, use.since) == ("idle", 0, NOW - 40 * DAY)
    assert use.why == "0 scans in 40 days on Shop. What the server counts, 1 M, is older."


def test_scans_are_told_with_the_time_that_they_were_counted_in() -> None:
    seen = watched(1_000_000, at=NOW - DAY)
    fresh = replace(seen, since=NOW - DAY / 2, last_used_at=None)
    for one, others in ((seen, []), (fresh, []), (seen, [watched(0)])):
        use = judge_use(PLAIN, [one, *others], (), NOW)
        assert (use.verdict, use.since, "1 M scans in 730 days" in use.why) == ("used", NOW - 730 * DAY, True)
    assert judge_use(PLAIN, [replace(seen, scans=700)], (), NOW).verdict == "rarely"


def test_what_was_never_compared_with_an_earlier_count_may_have_been_used() -> None:
    assert judge_use(PLAIN, [watched(700, is_followed=False)], (), NOW).verdict == "rarely"
    assert judge_use(PLAIN, [watched(0, is_followed=False)], (), NOW).verdict == "idle"


def test_few_but_huge_scans_are_told() -> None:
    assert "reading 500 k rows each" in judged(4, rows=2_000_000).why


def test_a_young_index_is_not_unused() -> None:
    young = replace(PLAIN, first_seen_at=NOW - 2 * DAY)
    assert index_window(young) == NOW - 2 * DAY


def test_a_reset_shortens_the_window() -> None:
    assert index_window(replace(PLAIN, counted_since=NOW - DAY)) == NOW - DAY
    assert index_window(replace(PLAIN, counted_since=None)) is None


def test_a_new_partition_does_not_shorten_the_window_but_a_reset_one_does() -> None:
    born = NOW - 5 * DAY
    new = replace(PLAIN, counted_since=born, first_seen_at=born)
    assert index_window(PLAIN, [new]) == LONG_AGO
    assert index_window(PLAIN, [new, replace(PLAIN, counted_since=NOW - DAY)]) == NOW - DAY


def test_the_words_name_the_window() -> None:
    assert judged(0).why == "0 scans in 90 days on Shop."
    assert judged(0, days=0.5).why.startswith("0 scans in 12 hours on Shop. Watched for 12 hours; 31 days")
