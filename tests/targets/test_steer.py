"""Stopping sessions of a real server: the one that was shown and no other, as a role that may."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from dashboard.store import db
from dashboard.targets import steer
from dashboard.targets.connect import TargetRefused, TargetUnreachable
from dashboard.targets.models import TargetLogin
from dashboard.targets.secrets import seal
from dashboard.targets.steer import Aim, Outcome
from tests.people import SECRET_KEY

WHO = """
select (extract(epoch from backend_start) * 1000000)::bigint, (extract(epoch from query_start) * 1000000)::bigint
from pg_stat_activity where pid = %s
"""
PASSWORD = "a steering password"
THREADS: list[threading.Thread] = []


@pytest.fixture
def steered(watched: Any) -> Iterator[Any]:
    """The watched database with a role that steers: it sees who is who and may signal."""
    role = f"steer_{watched.database.name}"
    watched.database.execute(
        f"create role {role} login password '{PASSWORD}' in role pg_signal_backend, pg_read_all_stats"
    )
    login = TargetLogin(purpose="steer", username=role)
    watched.target.logins.append(login)
    db.session.flush()
    login.sealed_password = seal(PASSWORD, SECRET_KEY, login_id=login.id, purpose="steer")
    db.session.commit()
    yield watched
    watched.app.extensions["pilothouse_target_pools"].close()
    watched.database.execute(f"drop owned by {role}; drop role {role}")


@pytest.fixture
def app_role(steered: Any) -> Iterator[str]:
    role = f"app_{steered.database.name}"
    steered.database.execute(f"create role {role} login password '{PASSWORD}'")
    yield role
    steered.database.execute(f"drop role {role}")


@pytest.fixture
def session(steered: Any, app_role: str) -> Iterator[Callable[..., psycopg.Connection]]:
    """Sessions of an application, or of the superuser."""
    with contextlib.ExitStack() as stack:

        def opened(*, superuser: bool = False) -> psycopg.Connection:
            url = steered.database.url.replace("+psycopg", "")
            role = {} if superuser else {"user": app_role, "password": PASSWORD}
            connection = psycopg.connect(url, application_name="shop", autocommit=True, **role)
            stack.callback(connection.close)
            return connection

        yield opened
        # Closing a connection that another thread waits on would take the descriptor away under its hands.
        steered.database.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'shop'"
        )
        for thread in THREADS:
            thread.join(5)
        THREADS.clear()


def aim_at(steered: Any, connection: psycopg.Connection) -> Aim:
    pid = connection.info.backend_pid
    return Aim(pid, *steered.database.execute(WHO, [pid])[0])


def stop(steered: Any, act: Any, aim: Aim) -> Outcome:
    with steer.steering(steered.target) as reader:
        return steer.stop(reader, act, aim)


def running(steered: Any, connection: psycopg.Connection, statement: str = "select pg_sleep(30)") -> list[Any]:
    """The statement in a thread of its own; what ended it is put into the list."""
    ended: list[Any] = []

    def run() -> None:
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            ended.append(error.sqlstate)

    THREADS.append(threading.Thread(target=run, daemon=True))
    THREADS[-1].start()
    until(lambda: steered.database.execute(
        "select state from pg_stat_activity where pid = %s", [connection.info.backend_pid]
    ) == [("active",)])  # fmt: skip
    return ended


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_long_statement_is_cancelled_and_its_session_stays(steered, session):
    connection = session()
    ended = running(steered, connection)
    assert stop(steered, "cancel", aim_at(steered, connection)) == Outcome("stopped", was_sent=True)
    until(lambda: ended == ["57014"])
    assert connection.execute("select 1").fetchone() == (1,)


def test_an_idle_transaction_ends_and_frees_its_locks(steered, session):
    steered.database.execute("create table held (a int); grant all on held to public")
    connection = session()
    connection.execute("begin")
    connection.execute("lock table held in row exclusive mode")
    assert stop(steered, "terminate", aim_at(steered, connection)) == Outcome("stopped", was_sent=True)
    assert steered.database.execute("select count(*) from pg_locks where relation = 'held'::regclass") == [(0,)]


def test_a_second_click_finds_it_gone(steered, session):
    connection = session()
    aim = aim_at(steered, connection)
    assert stop(steered, "terminate", aim).state == "stopped"
    assert stop(steered, "terminate", aim) == Outcome("gone")


@pytest.mark.parametrize("act", ["cancel", "terminate"])
def test_a_pid_that_was_given_to_somebody_else_is_never_hit(steered, session, act):
    connection = session()
    running(steered, connection)
    aim = aim_at(steered, connection)
    assert stop(steered, act, Aim(aim.pid, aim.born - 1, aim.query_born)) == Outcome("gone")
    assert steered.database.execute("select count(*) from pg_stat_activity where pid = %s", [aim.pid]) == [(1,)]


def test_cancelling_never_hits_the_next_statement_of_the_session(steered, session):
    connection = session()
    aim = aim_at(steered, connection)
    ended = running(steered, connection)
    assert stop(steered, "cancel", aim) == Outcome("another statement")
    assert ended == []


@pytest.mark.parametrize("act", ["cancel", "terminate"])
def test_a_superusers_session_is_left_alone(steered, session, act):
    connection = session(superuser=True)
    running(steered, connection)
    assert stop(steered, act, aim_at(steered, connection)) == Outcome("protected")


def test_our_own_connections_are_left_alone(steered, session):
    connection = session()
    connection.execute("set application_name = 'pilothouse'")
    assert stop(steered, "terminate", aim_at(steered, connection)) == Outcome("protected")


@pytest.mark.parametrize("kind", ["checkpointer", "walwriter"])
def test_processes_of_the_server_are_left_alone(steered, kind):
    asked = "select pid, (extract(epoch from backend_start) * 1000000)::bigint from pg_stat_activity"
    found = steered.database.execute(f"{asked} where backend_type = %s", [kind])
    assert stop(steered, "terminate", Aim(*found[0])) == Outcome("protected")


def test_a_role_without_the_right_is_refused_with_the_grant(steered, session):
    role = f"steer_{steered.database.name}"
    steered.database.execute(f"revoke pg_signal_backend from {role}")
    connection = session()
    with pytest.raises(TargetRefused) as refused:
        stop(steered, "terminate", aim_at(steered, connection))
    assert refused.value.remedy_sql == f'GRANT pg_signal_backend TO "{role}";'
    assert steer.rights_of(steered.target).grants == [f'GRANT pg_signal_backend TO "{role}";']


def test_a_role_that_cannot_tell_sessions_apart_stops_none(steered, session):
    role = f"steer_{steered.database.name}"
    steered.database.execute(f"revoke pg_read_all_stats from {role}")
    outcome = stop(steered, "terminate", aim_at(steered, session()))
    assert outcome == Outcome("not visible", remedy_sql=f'GRANT pg_read_all_stats TO "{role}";')


def test_a_role_with_every_right_needs_no_grant(steered):
    rights = steer.rights_of(steered.target)
    assert (rights.grants, rights.can_see, rights.can_signal) == ([], True, True)
    assert rights.autovacuum_grant == f'GRANT pg_signal_autovacuum_worker TO "{rights.role}";'


def test_what_does_not_stop_within_five_seconds_is_said(steered, session, monkeypatch):
    """The signal that goes out here does nothing, as with a back end that waits for a disk."""
    assert sum(steer.LOOKS_S) == pytest.approx(5)
    monkeypatch.setattr(steer, "LOOKS_S", (0.05, 0.05))
    monkeypatch.setitem(steer.STATEMENTS, "cancel", steer.STATEMENTS["cancel"].replace("pg_cancel_backend", "abs"))
    connection = session()
    running(steered, connection)
    outcome = stop(steered, "cancel", aim_at(steered, connection))
    assert (outcome.state, outcome.was_sent) == ("still there", True)
    assert "still there" in outcome.sentence


def test_without_a_steering_role_nothing_can_be_stopped(watched):
    assert steer.has_role(watched.target) is False
    with pytest.raises(TargetUnreachable, match="No role to steer"):
        stop(watched, "terminate", Aim(1, 1))
