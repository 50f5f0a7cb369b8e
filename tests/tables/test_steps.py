"""Jumps in sizes, and the changes that explain them."""

from datetime import UTC, datetime, timedelta

from dashboard.tables.growth import due_spans, gaps, pause, unknown_growth
from dashboard.tables.rows import SizeAt
from dashboard.tables.steps import explained, steps

DAY = datetime(2026, 11, 14, tzinfo=UTC)
MINUTE, HOUR, MB = timedelta(minutes=1), timedelta(hours=1), 1024 * 1024
READINGS = [DAY + 5 * number * MINUTE for number in range(288)]


def at(hours: float, heap_mb: int, index_mb: int = 0) -> SizeAt:
    return SizeAt(DAY + hours * HOUR, heap_mb * MB, 0, index_mb * MB)


def change(kind: str, minutes: float, title: str = "somebody did something") -> dict:
    return {"kind": kind, "at": DAY + 14 * HOUR + minutes * MINUTE, "title": title}


JUMP = [at(0, 100), at(2, 101), at(5, 102), at(8, 103), at(14, 1303), at(20, 1304)]


def test_a_jump_is_between_the_last_look_at_the_old_size_and_the_first_at_the_new_one() -> None:
    [step] = steps(JUMP, READINGS)
    assert (step.begin, step.end, step.change_bytes) == (DAY + 14 * HOUR - 5 * MINUTE, DAY + 14 * HOUR, 1200 * MB)


def test_the_words_say_how_much_when_and_where() -> None:
    [one] = explained(steps(JUMP, READINGS), [], [])
    assert one.words == "+1.17 GB on 14 Nov between 13:55 and 14:00 UTC, mostly heap"
    [fall] = explained(steps([at(0, 900, 800), at(14, 900, 100)], []), [], [])
    assert fall.words == "\N{MINUS SIGN}700 MB on 14 Nov between 00:00 and 14:00 UTC, mostly indexes"


def test_steady_growth_and_small_tables_have_no_jumps() -> None:
    assert steps([at(hour, 100 + 20 * hour) for hour in range(24)], READINGS) == []
    assert steps([at(0, 1), at(1, 5)], READINGS) == []


def test_a_migration_near_the_jump_explains_it_better_than_the_rewrite_it_caused() -> None:
    near = [change("rewrite", 0, "public.orders was rewritten"), change("migration", -3, "3f2a was applied"),
            change("flag", -1), change("analyze", 0), change("migration", -300, "older")]  # fmt: skip
    [one] = explained(steps(JUMP, READINGS), near, ["public.orders"])
    assert one.cause is not None
    assert one.cause["title"] == "3f2a was applied"
    [own] = explained(steps(JUMP, READINGS), [near[2], near[0]], ["public.orders"])
    assert own.cause is near[0]


def test_what_is_far_away_explains_nothing() -> None:
    [one] = explained(steps(JUMP, READINGS), [change("migration", 20), change("flag", -60)], [])
    assert one.cause is None


def test_time_in_which_nobody_looked_is_a_gap() -> None:
    looked = [DAY, DAY + 5 * MINUTE, DAY + 65 * MINUTE, DAY + 70 * MINUTE]
    until = DAY + 75 * MINUTE
    kept = (timedelta(days=7), timedelta(days=90))
    assert gaps(looked, DAY, until, pause(timedelta(days=7), *kept)) == [(DAY + 5 * MINUTE, DAY + 65 * MINUTE)]
    assert gaps(looked, DAY, until, pause(timedelta(days=8), *kept)) == [], "of then only one reading an hour is kept"
    assert pause(timedelta(days=91), *kept) > timedelta(days=2), "and of that long ago one a day"


def test_unknown_growth_says_why() -> None:
    now = DAY + 48 * HOUR
    assert unknown_growth("7d", DAY, None, now) == "Watched for 2 d only, not for 7d yet."
    assert unknown_growth("24h", DAY, "locked by pid 9", now) == "The size of now is not known: locked by pid 9."
    assert unknown_growth("24h", DAY - HOUR, None, now) == "Nothing was measured 24h ago."


def test_long_spans_are_told_anew_with_the_first_collection_of_an_hour() -> None:
    assert due_spans(DAY + 5 * MINUTE, DAY) == ["24h"]
    assert due_spans(DAY, DAY - 5 * MINUTE) == ["24h", "7d", "30d", "90d"]
    assert len(due_spans(DAY, None)) == 4
