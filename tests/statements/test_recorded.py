"""What is told of an interval against calls whose times were recorded on the spot."""

import statistics
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.statements.latency import latency
from dashboard.statements.models import StatementFamily, StatementSample
from dashboard.targets.collection import Collection

Read = Callable[[int], Collection]
BEFORE_MS, WITHIN_MS, AFTER_MS = [30, 2, 160, 5], [12, 25, 3, 40, 8, 18], [1, 2, 1]
TIMED = """
do $$
declare began timestamptz; slept float8;
begin
    create table if not exists recorded (ms float8);
    truncate recorded;
    foreach slept in array %s loop
        began := clock_timestamp();
        perform pg_sleep(slept / 1000);
        insert into recorded values (extract(epoch from clock_timestamp() - began) * 1000);
    end loop;
end $$
"""


def slept(target_db: Any, times_ms: list[int]) -> list[float]:
    """Calls of one statement inside a function, and how long each took by the server's clock."""
    target_db.execute(
        "set pg_stat_statements.track = 'all';" + TIMED % f"'{{{','.join(map(str, times_ms))}}}'::float8[]"
    )
    return [row[0] for row in target_db.execute("select ms from recorded")]


def told(store: Session) -> Any:
    store.expire_all()
    found = select(StatementSample).join(StatementFamily, StatementFamily.id == StatementSample.family_id)
    found = found.where(StatementFamily.text.ilike("%pg_sleep(slept%"), ~StatementFamily.text.ilike("%declare%"))
    one = store.scalars(found.order_by(StatementSample.slot.desc()).limit(1)).one()
    return one.calls, latency(one.calls, one.total_ms, one.squares_ms2, one.max_ms, one.max_bound_ms)


@pytest.fixture
def recorded(read: Read, target_db: Any) -> list[float]:
    """The times of the calls between the first and the second reading."""
    slept(target_db, BEFORE_MS)
    read(0)
    times_ms = slept(target_db, WITHIN_MS)
    read(1)
    return times_ms


def test_mean_and_deviation_of_an_interval_are_those_of_its_recorded_calls(
    recorded: list[float], store: Session
) -> None:
    calls, times = told(store)
    assert calls == len(recorded)
    assert times.mean_ms == pytest.approx(statistics.mean(recorded), abs=2)
    assert times.stddev_ms == pytest.approx(statistics.pstdev(recorded), abs=2)


def test_bounds_hold_for_the_recorded_calls(recorded: list[float], store: Session) -> None:
    _, times = told(store)
    assert times.max_ms is None  # an earlier call was longer
    assert max(recorded) - 2 <= times.max_bound_ms < 200
    assert times.p95_at_most_ms >= max(recorded) - 2


@pytest.mark.usefixtures("recorded")
def test_a_longest_call_that_rose_is_exact_and_the_window_keeps_it(read: Read, store: Session, target_db: Any) -> None:
    longest = max(slept(target_db, [220, 1]))
    read(2)
    _, times = told(store)
    assert times.is_max_exact
    assert 220 <= times.max_ms <= longest + 2
    slept(target_db, AFTER_MS)
    read(3)
    _, times = told(store)
    assert not times.is_max_exact
    assert times.max_bound_ms < 20
