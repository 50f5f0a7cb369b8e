"""Old minutes become hours, old hours days: every question to whole ones has the same answer before and after."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from dashboard import retention
from dashboard.activity import queries as activity
from dashboard.jobs import ROLLUPS
from dashboard.lists import ListPage, ListQuery
from dashboard.statements import queries, windows
from dashboard.statements.models import StatementReading, StatementSample
from dashboard.statements.readings import evidence, intervals_of
from dashboard.store import db
from dashboard.targets.models import CollectorCost
from tests.jobs.conftest import DAY, HOUR, MINUTE, NOW, add, roll_up

KEPT = timedelta(days=7)
COUNTERS = ("rows", "shared_hit", "shared_read", "temp_blocks", "wal_bytes")
ROLLED = [name for one in ROLLUPS for name in one.rows]
QUIET = {"epoch": "s/1/", "hidden_total_ms": 0.0, "started_at": DAY, "stats_reset_at": None, "own_role": "watcher"}


def readings(target_id: int, minutes: list[int], told: dict[int, str] | None = None) -> None:
    """Readings of these minutes of the day, each since the one before; families run in them by turns."""
    told, rows, samples = told or {}, [], []
    for before, minute in zip([None, *minutes], minutes, strict=False):
        slot, reason = DAY + minute * MINUTE, told.get(minute)
        since = None if before is None else DAY + before * MINUTE
        hidden = {"hidden_entries": minute % 4, "hidden_ms": minute / 4, "entries": minute, "evictions": minute}
        own = {"since": since, "reason": reason, "is_complete": reason is None and since is not None, "read_at": slot}
        rows.append({"target_id": target_id, "slot": slot, **own, **hidden, **QUIET})
        samples += [sample(target_id, family, minute) for family in (1, 2, 3) if since and minute % family == 0]
    add(StatementReading, rows)
    add(StatementSample, samples)


def sample(target_id: int, family: int, minute: int) -> dict[str, Any]:
    time = {"calls": minute % 7 + 1, "total_ms": minute * 0.25, "squares_ms2": minute * 40.0}
    io_ms = None if family == 2 and minute % 5 == 0 else 0.5
    counters = {name: minute * place for place, name in enumerate(COUNTERS)}
    slot = DAY + minute * MINUTE
    return {"target_id": target_id, "slot": slot, "family_id": family, "io_ms": io_ms, **time, **counters}


def asked() -> ListQuery:
    spec = queries.SPEC
    return ListQuery(spec=spec, path="/", q="", sort="total_ms", dir="desc", page=1, window=None, filters={})


def answers(target_id: int, first_hour: int, hours: int) -> tuple[Any, ...]:
    """What the pages tell of a window of whole hours; the slot that the window begins with is no part of it."""
    known = evidence(target_id, hours * HOUR, DAY + (first_hour + hours) * HOUR - MINUTE)
    page: ListPage[Any] = queries.statements_of_window(target_id, known, asked())
    drawn = [intervals_of(target_id, family, known, HOUR) for family in (1, 2, 3)]
    shaded = [windows.gaps(known, intervals, HOUR) for intervals in drawn]
    shown = [windows.charts(intervals) for intervals in drawn]
    db.session.rollback()
    return replace(known, first_slot=None), page.rows, page.total, page.as_of, drawn, shaded, shown


def count(model: type) -> int:
    found = db.session.scalar(select(func.count()).select_from(model)) or 0
    db.session.rollback()
    return found


WHOLE = list(range(24 * 60))
ODD = [minute for minute in WHOLE if not 250 <= minute <= 400 and minute % 97]
TOLD = {9: "The server restarted.", 401: "Nothing was read for 152 minutes.", 700: "The server restarted."}
WINDOWS = [(0, 24), (0, 1), (1, 3), (3, 5), (4, 4), (11, 2), (23, 1)]


@pytest.mark.parametrize("minutes", [WHOLE, ODD], ids=["a whole day", "a day with gaps and losses"])
def test_windows_of_whole_hours_tell_the_same_before_and_after(target_id, minutes):
    readings(target_id, minutes, {} if minutes is WHOLE else TOLD)
    before = [answers(target_id, *window) for window in WINDOWS]
    assert roll_up(NOW) == 1
    assert [answers(target_id, *window) for window in WINDOWS] == before


def test_every_history_table_is_rolled_up_by_its_feature() -> None:
    assert sorted(ROLLED) == sorted(table.name for table in retention.partitioned())


def test_days_tell_of_a_whole_day_what_hours_and_minutes_told(target_id):
    readings(target_id, ODD, TOLD)
    before = answers(target_id, 0, 24)[1]
    assert (roll_up(NOW), roll_up(DAY + timedelta(days=91))) == (1, 1)
    assert answers(target_id, 0, 24)[1] == before
    assert count(StatementSample) == 7 + 5 + 5, "four runs and three incomplete readings; not every family is in each"
    assert roll_up(DAY + timedelta(days=91)) == 0


def test_a_day_that_was_never_hours_becomes_a_day_at_once(target_id):
    readings(target_id, WHOLE)
    before = answers(target_id, 0, 24)[1]
    assert roll_up(DAY + timedelta(days=91)) == 1
    assert answers(target_id, 0, 24)[1] == before
    assert count(StatementSample) == 3


def test_a_whole_day_has_a_reading_and_a_sample_an_hour(target_id):
    readings(target_id, WHOLE)
    assert (count(StatementReading), count(StatementSample)) == (1440, 1439 + 719 + 479)
    roll_up(NOW)
    assert (count(StatementReading), count(StatementSample)) == (1 + 24, 3 * 24)
    last = db.session.get_one(StatementReading, (target_id, DAY + 24 * HOUR - MINUTE))
    assert (last.since, last.readings, last.evictions, last.entries) == (DAY + 23 * HOUR - MINUTE, 60, 1439, 1439)


def test_incomplete_readings_stay_with_their_reason_and_part_an_hour(target_id):
    readings(target_id, list(range(60)), {20: "restarted", 21: "evicted"})
    roll_up(NOW)
    rows = db.session.scalars(select(StatementReading).order_by(StatementReading.slot)).all()
    assert [(row.slot.minute, row.readings, row.is_complete, row.reason) for row in rows] == [
        (0, 1, False, None),
        (19, 19, True, None),
        (20, 1, False, "restarted"),
        (21, 1, False, "evicted"),
        (59, 38, True, None),
    ]


def test_readings_that_do_not_follow_each_other_stay_apart_and_count_what_they_stand_for(target_id):
    shape = {"target_id": target_id, "is_complete": True, "entries": 1, "hidden_entries": 0, "hidden_ms": 0.0, **QUIET}
    told = [(2, 0, 2), (3, 2, 1), (9, 8, 1), (30, 9, 21)]
    times = [(DAY + slot * MINUTE, DAY + since * MINUTE, stands_for) for slot, since, stands_for in told]
    names = ("slot", "since", "readings")
    add(StatementReading, [shape | dict(zip(names, one, strict=True)) | {"read_at": one[0]} for one in times])
    assert roll_up(NOW) == 1
    rows = db.session.scalars(select(StatementReading).order_by(StatementReading.slot)).all()
    assert [(row.since.minute, row.slot.minute, row.readings) for row in rows] == [(0, 3, 3), (8, 30, 22)]


def test_a_second_time_changes_nothing(target_id):
    readings(target_id, ODD, TOLD)
    assert roll_up(NOW) == 1
    written = "select ctid, xmin, slot from statement_sample order by 1"
    first = db.session.execute(text(written)).all()
    db.session.rollback()
    assert roll_up(NOW + HOUR) == 0
    assert db.session.execute(text(written)).all() == first


def test_only_days_that_are_old_as_a_whole_are_rolled_up(target_id):
    readings(target_id, WHOLE)
    assert roll_up(DAY + timedelta(days=8) - MINUTE) == 0
    assert roll_up(DAY + timedelta(days=8)) == 1


def test_what_the_time_budget_leaves_is_done_the_next_time(target_id):
    slots = [DAY + minute * MINUTE for minute in (0, 1, 1440, 1441)]
    cost = {"target_id": target_id, "cadence": "minute", "duration_ms": 2, "target_ms": 1, "statements": 5, "rows": 7}
    add(CollectorCost, [cost | {"slot": slot} for slot in slots])
    assert roll_up(NOW, budget_s=0) == 0
    stops = iter([False, True])
    assert roll_up(NOW, is_stopping=lambda: next(stops)) == 1
    assert count(CollectorCost) == 3
    assert roll_up(NOW) == 1
    assert count(CollectorCost) == 2


def test_two_workers_at_once_roll_up_a_day_once(target_id, cloned_store):
    readings(target_id, WHOLE)
    before = answers(target_id, 0, 24)

    def work(_number: int) -> int:
        with cloned_store.app_context():
            return roll_up(NOW)

    with ThreadPoolExecutor(2) as workers:
        assert sum(workers.map(work, range(2))) == 1
    assert answers(target_id, 0, 24) == before


def test_a_day_that_somebody_reads_waits_for_the_next_run_and_stays_whole(target_id):
    readings(target_id, WHOLE)
    with db.engine.connect() as other, other.begin():
        other.execute(text("select count(*) from statement_sample"))
        assert roll_up(NOW) == 0
    assert (count(StatementReading), count(StatementSample)) == (1440, 2637)
    assert roll_up(NOW) == 1


def test_a_month_of_days_becomes_one_partition_with_the_same_rows(target_id):
    readings(target_id, ODD, TOLD)
    roll_up(DAY + timedelta(days=91))
    before = answers(target_id, 0, 24)
    assert retention.merge_months(datetime(2026, 6, 29, tzinfo=UTC), 90) == 0
    assert retention.merge_months(datetime(2026, 6, 30, tzinfo=UTC), 90) == 0, "22 and 23 March are no days yet"
    roll_up(datetime(2026, 6, 30, tzinfo=UTC))
    assert retention.merge_months(datetime(2026, 6, 30, tzinfo=UTC), 90) == len(ROLLED)
    assert answers(target_id, 0, 24) == before
    parts = [part.name for part in retention.partitions_of(db.metadata.tables["statement_sample"])]
    assert parts == ["statement_sample_m202603"]
    assert retention.merge_months(datetime(2026, 6, 30, tzinfo=UTC), 90) == 0


@pytest.mark.parametrize("days", [8, 10, 30, 90])
def test_rolled_up_statements_are_no_gap_in_any_window_that_holds_them(target_id, days):
    readings(target_id, WHOLE)
    roll_up(NOW)
    known = evidence(target_id, timedelta(days=days), DAY + timedelta(days=1))
    step = windows.bucket(timedelta(days=days), KEPT)
    drawn = intervals_of(target_id, 1, known, step)
    assert step >= HOUR
    assert activity.step_of(HOUR, KEPT, timedelta(days=days)) >= HOUR
    assert [gap for gap in windows.gaps(known, drawn, step) if gap[0] > known.start] == []
    assert sum(one.calls for one in drawn) == sum(minute % 7 + 1 for minute in WHOLE[1:])
