"""A collection: idempotent by slot, one at a time, and calm about a target that is down."""

import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select, update

from dashboard.changes.models import Change
from dashboard.jobs import COLLECTORS
from dashboard.server import collect as server
from dashboard.server.models import DatabaseSample, DatabaseState, ServerSetting
from dashboard.store import db
from dashboard.targets.collect import look
from dashboard.targets.failures import NOBODY
from dashboard.targets.models import CollectorCost, ProbeState, Target
from dashboard.targets.run import OUR_FAULT, Interrupted, collect_target, turn
from dashboard.targets.states import Cost, keep_cost, keep_probe_state

SLOT = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(days=1)
MINUTE = timedelta(minutes=1)


def states() -> dict[str, str]:
    return {row.probe: row.state for row in db.session.scalars(select(ProbeState))}


def count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def failing(name: str, error: Exception) -> SimpleNamespace:
    def collect(_collection: object) -> None:
        raise error

    return SimpleNamespace(PROBE=name, CADENCE="minute", collect=collect)


def test_a_first_collection_asks_every_probe(collected):
    outcome = collect_target(collected.target_id, SLOT, COLLECTORS)
    assert outcome.unavailable == {}
    assert set(states().values()) == {"ok"}
    assert states().keys() == {collector.PROBE for collector in COLLECTORS}
    assert (collected.target.state, collected.target.server_version // 10_000) == ("reachable", 18)
    cost = db.session.scalars(select(CollectorCost)).one()
    assert (cost.cadence, cost.statements > 10, cost.target_ms > 0) == ("quarter_hour", True, True)


def test_the_same_slot_twice_is_stored_once(collected):
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    first = collect_target(collected.target_id, now, COLLECTORS)
    second = collect_target(collected.target_id, now, COLLECTORS)
    assert (len(first.stored), second.stored) == (len(COLLECTORS), [])
    assert (count(DatabaseSample), count(CollectorCost)) == (1, 1)


def test_a_clock_that_was_set_back_need_not_catch_up_before_anything_is_due(collected):
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    collect_target(collected.target_id, now, [server])
    db.session.execute(update(ProbeState).values(tried_at=now + timedelta(days=400)))
    db.session.commit()
    assert collect_target(collected.target_id, now, [server]).stored == ["server"]
    assert collect_target(collected.target_id, now, [server]).stored == []


def test_a_clock_that_was_set_back_makes_no_negative_duration(collected):
    keep_probe_state(collected.target_id, "server", tried_at=SLOT, ended_at=SLOT - MINUTE)
    keep_cost(collected.target_id, SLOT, Cost(started_at=SLOT), SLOT - MINUTE)
    assert db.session.scalars(select(ProbeState.duration_ms).where(ProbeState.probe == "server")).one() == 0
    assert db.session.scalars(select(CollectorCost.duration_ms)).one() == 0


def test_the_next_minute_asks_only_what_is_due(collected):
    collect_target(collected.target_id, SLOT, COLLECTORS)
    soon = datetime.now(UTC) + MINUTE
    minutely = [collector.PROBE for collector in COLLECTORS if collector.CADENCE == "minute"]
    assert {"server", "connections", "statements", "activity"} < set(minutely)
    assert collect_target(collected.target_id, soon, COLLECTORS).stored == minutely


def test_by_hand_everything_is_asked_again(collected):
    collect_target(collected.target_id, SLOT, COLLECTORS)
    again = collect_target(collected.target_id, datetime.now(UTC), COLLECTORS, by_hand=True)
    assert len(again.stored) == len(COLLECTORS)


def test_a_mistake_in_one_probe_costs_only_this_probe(collected):
    outcome = collect_target(collected.target_id, SLOT, (failing("broken", KeyError("x")), server))
    assert (outcome.stored, outcome.unavailable) == (["server"], {"broken": OUR_FAULT})
    assert states() == {"broken": "unavailable", "server": "ok"}


def test_an_unreachable_target_rests_longer_with_every_failure(collected):
    collected.target.host, collected.target.port = "127.0.0.1", 1
    db.session.commit()
    before = datetime.now(UTC)
    outcome = collect_target(collected.target_id, SLOT, COLLECTORS)
    target = db.session.get_one(Target, collected.target_id, populate_existing=True)
    since = target.unreachable_since
    assert (outcome.unreachable, target.state, target.failures) == (NOBODY, "unreachable", 1)
    assert (target.unreachable_reason, target.next_attempt_at > before) == (NOBODY, True)
    target.next_attempt_at = datetime.now(UTC) + MINUTE
    db.session.commit()
    assert collect_target(collected.target_id, SLOT, COLLECTORS).skipped == "The target rests after a failure."
    collect_target(collected.target_id, SLOT, COLLECTORS, by_hand=True)
    target = db.session.get_one(Target, collected.target_id, populate_existing=True)
    assert (target.failures, target.unreachable_since) == (2, since)


def test_a_target_that_is_back_is_reachable(collected):
    collected.target.state, collected.target.unreachable_since = "unreachable", SLOT
    collected.target.failures, collected.target.next_attempt_at = 5, SLOT - timedelta(days=9)
    db.session.commit()
    collect_target(collected.target_id, SLOT, (server,))
    target = db.session.get_one(Target, collected.target_id, populate_existing=True)
    assert (target.state, target.failures, target.unreachable_since, target.next_attempt_at) == (
        "reachable",
        0,
        None,
        None,
    )


def test_a_stop_between_probes_gives_the_job_back(collected):
    answers = iter((False, True))
    with pytest.raises(Interrupted):
        collect_target(collected.target_id, SLOT, COLLECTORS, stopping=lambda: next(answers))
    assert states() == {"capabilities": "ok"}


def test_two_collections_of_a_target_take_turns(collected):
    seen: list[bool] = []

    def other() -> None:
        with collected.app.app_context(), turn(collected.target_id, wait_s=0.3) as ours:
            seen.append(ours)

    with turn(collected.target_id) as ours:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert (ours, seen) == (True, [False])


def test_a_removed_target_is_skipped(collected):
    assert collect_target(collected.target_id + 99, SLOT, COLLECTORS).skipped == "The target was removed."


def test_somebodys_lock_on_a_table_stops_no_probe(collected):
    collected.database.execute("create table held(a int primary key)")
    with collected.database.server.connect(collected.database.name) as other, other.transaction():
        other.execute("lock table held in access exclusive mode")
        collect_target(collected.target_id, SLOT, COLLECTORS)
    assert "unavailable" not in states().values()


def test_a_role_that_may_only_connect_gets_what_there_is(collected):
    collected.database.execute(f"revoke pg_monitor from {collected.role}")
    outcome = collect_target(collected.target_id, SLOT, COLLECTORS)
    assert outcome.unreachable is None
    card = {one.feature: (one.state, one.remedy_sql) for one in look(collected.target)}
    grant = f'GRANT pg_monitor TO "{collected.role}";'
    assert card["Sessions and statements of others"] == ("degraded", grant)
    assert card["Role's rights"] == ("ok", None)
    assert states()["server"] == "ok"


def test_a_superuser_is_flagged_not_refused(collected):
    collected.database.execute(f"alter role {collected.role} superuser")
    card = {one.feature: one.state for one in look(collected.target)}
    collected.database.execute(f"alter role {collected.role} nosuperuser")
    assert card["Role's rights"] == "flagged"


def test_missing_pg_stat_statements_is_said_with_its_remedy(collected):
    collected.database.execute("drop extension pg_stat_statements")
    collect_target(collected.target_id, SLOT, COLLECTORS)
    state = db.session.get_one(ProbeState, (collected.target_id, "statements"))
    assert (state.state, state.remedy_sql) == ("unavailable", "CREATE EXTENSION pg_stat_statements;")


def test_counters_become_rates_between_two_samples(collected):
    collect_target(collected.target_id, SLOT, (server,))
    collect_target(collected.target_id, SLOT + MINUTE, (server,), by_hand=True)
    state = db.session.get_one(DatabaseState, collected.target_id)
    assert (state.slot, state.commits_per_s >= 0, state.connections_max) == (SLOT + MINUTE, True, 200)
    assert state.growth_24h_bytes is None


def test_growth_is_against_the_sample_of_a_day_ago(collected):
    collect_target(collected.target_id, SLOT - timedelta(days=1), (server,))
    collected.database.execute("create table grown as select g from generate_series(1, 20000) g")
    collect_target(collected.target_id, SLOT, (server,), by_hand=True)
    assert db.session.get_one(DatabaseState, collected.target_id).growth_24h_bytes > 500_000


def test_a_changed_setting_is_a_mark_with_its_span(collected):
    collect_target(collected.target_id, SLOT, (server,))
    read_at = db.session.get_one(ProbeState, (collected.target_id, "server")).as_of
    setting = db.session.get_one(ServerSetting, (collected.target_id, "random_page_cost"))
    setting.value = "3.5"
    db.session.commit()
    for minutes in (1, 2):
        collect_target(collected.target_id, SLOT + minutes * MINUTE, (server,), by_hand=True)
    marks = db.session.scalars(select(Change).where(Change.kind == "setting")).all()
    assert [(mark.title, mark.noticed_after) for mark in marks] == [("random_page_cost: 3.5 → 4", read_at)]


def test_our_own_session_settings_are_not_the_servers(collected):
    collect_target(collected.target_id, SLOT, (server,))
    values = {row.name: row.value for row in db.session.scalars(select(ServerSetting))}
    assert (values["statement_timeout"], values["jit"]) == ("0", "on")
    assert "application_name" not in values


def test_a_restart_and_a_reset_are_marks(collected):
    collect_target(collected.target_id, SLOT, (server,))
    sample = db.session.scalars(select(DatabaseSample)).one()
    sample.started_at -= timedelta(days=3)
    db.session.commit()
    collected.database.execute("select pg_stat_reset()")
    for minutes in (1, 2):
        collect_target(collected.target_id, SLOT + minutes * MINUTE, (server,), by_hand=True)
    found = db.session.scalars(select(Change.title).where(Change.kind.in_(["restart", "reset"])).order_by(Change.kind))
    assert found.all() == ["The statistics of the database were reset", "The server was restarted"]
    assert db.session.get_one(DatabaseState, collected.target_id).slot == SLOT + 2 * MINUTE


def test_no_rate_is_made_across_a_reset(collected):
    collect_target(collected.target_id, SLOT, (server,))
    collected.database.execute("select pg_stat_reset()")
    collect_target(collected.target_id, SLOT + MINUTE, (server,), by_hand=True)
    state = db.session.get_one(DatabaseState, collected.target_id)
    assert (state.commits_per_s, state.cache_hit_share) == (None, None)


def test_a_probe_that_wants_to_be_asked_sooner_is_asked_every_five_minutes(collected):
    eager = SimpleNamespace(PROBE="eager", CADENCE="hour", collect=lambda _: None, is_due_sooner=lambda *_: True)
    calm = SimpleNamespace(PROBE="calm", CADENCE="hour", collect=lambda _: None, is_due_sooner=lambda *_: False)
    now = datetime.now(UTC)
    for minutes, asked in ((0, ["eager", "calm"]), (3, []), (6, ["eager"])):
        assert collect_target(collected.target_id, now + minutes * MINUTE, (eager, calm)).stored == asked
