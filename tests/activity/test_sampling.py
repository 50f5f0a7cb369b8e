"""Looking at real sessions for a while: what ran, what waited, who held it up, and what looking cost."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.activity import edits, sampling
from dashboard.activity.models import ActivityGroup, ActivityMinute, ActivitySampling
from dashboard.activity.sampled import sampling_of
from dashboard.activity.waits import Minute
from dashboard.errors import Conflict, Invalid
from dashboard.store import db
from dashboard.targets.models import Target
from dashboard.targets.run import collect_target

SLOT = datetime(2026, 11, 21, 14, 32, tzinfo=UTC)


@pytest.fixture
def place(cloned_store: Any, target_db: Any, watch: Any) -> Any:
    """The id of a watched target, inside an app context of a store that commits for real."""
    target_id = watch(cloned_store, target_db)
    with cloned_store.app_context():
        yield target_id
        db.session.rollback()
    cloned_store.extensions["pilothouse_target_pools"].close()
    target_db.execute(f"drop role watch_{target_db.name}")


def sample(seconds: float = 0.5, *, stopping: Any = lambda: False) -> datetime:
    """The last seconds of a minute; its slot."""
    slot = datetime.now(UTC) - sampling.LASTS + timedelta(seconds=seconds)
    sampling.sample_minute(slot, stopping)
    return slot


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SHORTEST_S", 0.1)


def test_what_runs_and_what_waits_is_met_at_every_look(place, connect, waiting, target_db):
    target_db.execute("create table orders (id int)")
    holder = connect("migrate")
    holder.execute("lock table orders in access exclusive mode")
    waiting(connect("web"), "select id from orders")
    waiting(connect("report"), "select pg_sleep(20)")
    sample(4.5)
    minute = db.session.scalars(select(ActivityMinute)).one()
    assert (minute.looks, minute.active, minute.most_active, minute.hidden) == (3, 6, 2, 0)
    groups = db.session.scalars(select(ActivityGroup).order_by(ActivityGroup.application)).all()
    assert [(one.application, one.wait_class, one.wait_event, one.seen) for one in groups] == [
        ("report", "Timeout", "PgSleep", 3),
        ("web", "Lock", "relation", 3),
    ]
    assert [bool(one.queryid) for one in groups] == [True, False]  # who waits for a table has not been planned yet
    (blocker,) = minute.blockers
    assert (blocker["pid"], blocker["application"], blocker["held_up"]) == (holder.info.backend_pid, "migrate", 1)
    assert blocker["state"] == "idle in transaction"
    assert 0 < sampling_of(place).look_ms < 1000


def test_a_quiet_minute_is_a_minute_with_nobody_in_it(place):
    sample()
    minute = db.session.scalars(select(ActivityMinute)).one()
    assert (minute.looks, minute.active) == (1, 0)
    assert db.session.scalars(select(ActivityGroup)).all() == []


def test_a_job_that_comes_too_late_looks_at_nothing(place):
    now = datetime.now(UTC)
    assert sampling.sample_minute(now - sampling.LASTS, lambda: False) == 0
    assert [sampling.seconds_left(now + timedelta(hours=hours), now) for hours in (0, 2)] == [58, 58]


def test_told_to_stop_it_ends_within_a_second_and_keeps_what_it_saw(place):
    stop = threading.Event()
    threading.Timer(0.4, stop.set).start()
    began = time.monotonic()
    sample(30, stopping=stop.is_set)
    assert time.monotonic() - began < 1.5
    assert db.session.scalars(select(ActivityMinute.looks)).all() == [1]


def test_collecting_goes_on_beside_it(place, connect, waiting):
    waiting(connect("report"), "select pg_sleep(20)")
    stop = threading.Event()
    app = sampling.current_app._get_current_object()

    def look() -> None:
        with app.app_context():
            sample(20, stopping=stop.is_set)

    looking = threading.Thread(target=look)
    looking.start()
    outcome = collect_target(place, datetime.now(UTC), [])
    stop.set()
    looking.join(5)
    assert (outcome.skipped, outcome.unreachable) == (None, None)


def test_a_target_that_is_switched_off_rests_or_has_no_role_is_not_asked(place, target_db):
    target = db.session.get_one(Target, place)
    edits.change_sampling(target, "off", version=0)
    db.session.commit()
    sample()
    edits.change_sampling(target, "2", version=1)
    target.next_attempt_at = datetime.now(UTC) + timedelta(minutes=1)
    db.session.commit()
    sample()
    target.next_attempt_at = None
    target.logins.clear()
    db.session.commit()
    sample()
    assert db.session.scalars(select(ActivityMinute)).all() == []


def test_an_unreachable_target_costs_the_others_nothing(place, target_db):
    away = Target(
        slug="away", name="Away", environment=db.session.get_one(Target, place).environment, host="127.0.0.1",
        port=9, dbname="away", sslmode="disable", origin="command", created_by="tests",
    )  # fmt: skip
    away.logins.extend(type(login)(purpose="watch", username="x") for login in db.session.get_one(Target, place).logins)
    db.session.add(away)
    db.session.commit()
    sample(2.5)
    assert [row.target_id for row in db.session.scalars(select(ActivityMinute))] == [place]


def test_the_same_minute_is_kept_once(place):
    minute = Minute(looks=1, costs_ms=[1.0])
    for _ in range(2):
        edits.keep_minute(place, SLOT, minute)
    assert len(db.session.scalars(select(ActivityMinute)).all()) == 1


def test_what_looking_costs_slows_it_down_and_stops_it(place):
    for number in range(4):
        edits.keep_minute(place, SLOT + timedelta(minutes=number), Minute(looks=1, costs_ms=[80.0]))
        db.session.commit()
    row = db.session.scalars(select(ActivitySampling)).one()
    assert (row.pace_s, row.is_on) == (10, True)
    assert row.stopped_reason == "A look takes the server 80 ms, 0.8% of a core even every 10 s."
    assert sampling_of(place).is_running is False
    edits.change_sampling(db.session.get_one(Target, place), "5", version=0)
    assert (sampling_of(place).pace_s, sampling_of(place).is_running) == (5, True)


def test_two_people_change_it_once(place):
    target = db.session.get_one(Target, place)
    edits.change_sampling(target, "5", version=0)
    with pytest.raises(Conflict):
        edits.change_sampling(target, "off", version=0)
    with pytest.raises(Invalid):
        edits.change_sampling(target, "3", version=1)


def test_a_removed_target_takes_no_minute(place):
    edits.keep_minute(place + 1, SLOT, Minute(looks=1, costs_ms=[1.0]))
    assert db.session.scalars(select(ActivityMinute)).all() == []
