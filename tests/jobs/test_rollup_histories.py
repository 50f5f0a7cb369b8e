"""Minutes of activity, counters, sizes and costs become hours."""

from datetime import timedelta

from sqlalchemy import select

from dashboard.activity.models import ActivitySample
from dashboard.server import queries as server
from dashboard.server.models import DatabaseSample
from dashboard.server.series import gaps, series
from dashboard.store import db
from dashboard.tables.models import TableSample
from dashboard.targets.models import CollectorCost
from tests.jobs.conftest import DAY, HOUR, MINUTE, NOW, add, roll_up


def test_activity_keeps_the_most_of_an_hour(target_id):
    kinds = {"idle": 1, "idle_in_transaction": 0, "waiting": 0, "blocked": 0, "hidden": 0}
    seen = [(3, None, {"web": 3}), (9, 50.0, {"web": 1, "job": 8}), (1, 20.0, {})]
    for minute, (active, longest, applications) in enumerate(seen, 7):
        own = {"active": active, "longest_transaction_ms": longest, "by_application": applications}
        add(ActivitySample, [{"target_id": target_id, "slot": DAY + minute * MINUTE, **kinds, **own}])
    assert roll_up(NOW) == 1
    row = db.session.scalars(select(ActivitySample)).one()
    assert (row.slot, row.active, row.idle) == (DAY + 9 * MINUTE, 9, 1)
    assert (row.longest_transaction_ms, row.by_application) == (50.0, {"web": 3, "job": 8})


def test_counters_and_sizes_keep_the_last_of_each_hour(target_id):
    slots = [DAY + minute * MINUTE for minute in (0, 59, 60, 118)]
    add(DatabaseSample, [{"target_id": target_id, "slot": slot, "commits": n} for n, slot in enumerate(slots)])
    sizes = {"target_id": target_id, "heap_bytes": 1, "index_bytes": 1, "row_estimate": None}
    add(TableSample, [sizes | {"oid": n % 2, "slot": slot, "toast_bytes": n} for n, slot in enumerate(slots[:2])])
    add(TableSample, [sizes | {"oid": 0, "slot": slots[1], "toast_bytes": 9}])
    assert roll_up(NOW) == 2
    found = select(DatabaseSample.slot, DatabaseSample.commits).order_by(DatabaseSample.slot)
    assert [tuple(row) for row in db.session.execute(found)] == [(slots[1], 1), (slots[3], 3)]
    tables = select(TableSample.oid, TableSample.slot, TableSample.toast_bytes).order_by(TableSample.oid)
    assert [tuple(row) for row in db.session.execute(tables)] == [(0, slots[1], 9), (1, slots[1], 1)]


def test_costs_add_up_by_hour_and_cadence(target_id):
    cost = {"target_id": target_id, "duration_ms": 2.5, "target_ms": 1, "statements": 5, "rows": 7}
    places = [(0, "minute"), (1, "minute"), (5, "five_minutes"), (61, "minute")]
    add(CollectorCost, [cost | {"slot": DAY + minute * MINUTE, "cadence": name} for minute, name in places])
    assert roll_up(NOW) == 1
    rows = db.session.scalars(select(CollectorCost).order_by(CollectorCost.slot)).all()
    assert [(row.slot.minute, row.cadence, row.duration_ms, row.statements) for row in rows] == [
        (1, "minute", 5.0, 10),
        (5, "five_minutes", 2.5, 5),
        (1, "minute", 2.5, 5),
    ]


def test_rolled_up_counters_are_no_gap_where_they_went_on(target_id):
    add(DatabaseSample, [{"target_id": target_id, "slot": DAY + n * MINUTE, "commits": 60 * n} for n in range(2880)])
    roll_up(DAY + timedelta(days=8))
    sampled = server.samples(target_id, DAY, HOUR)
    assert len(sampled) == 48
    assert gaps(sampled, DAY, DAY + timedelta(days=2), HOUR) == []
    assert {value for _, value in series(sampled, HOUR).commits_per_s} == {1.0}
