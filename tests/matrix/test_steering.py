"""Stopping a session means the same on every version, and so does looking at the busy ones."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.activity import sampling
from dashboard.activity.models import ActivityMinute
from dashboard.store import db
from dashboard.targets import steer
from dashboard.targets.models import TargetLogin
from dashboard.targets.secrets import seal
from tests.people import SECRET_KEY

PASSWORD = "a steering password"
BORN = "select (extract(epoch from backend_start) * 1000000)::bigint from pg_stat_activity where pid = {pid}"


@pytest.fixture
def steered(place: Any) -> Any:
    """The place with a role that steers, and one of an application."""
    place.execute(
        f"create role {place.name}_ops login password '{PASSWORD}' in role pg_signal_backend, pg_read_all_stats",
        f"create role {place.name}_app login password '{PASSWORD}'",
    )
    login = TargetLogin(target_id=place.target_id, purpose="steer", username=f"{place.name}_ops")
    db.session.add(login)
    db.session.flush()
    login.sealed_password = seal(PASSWORD, SECRET_KEY, login_id=login.id, purpose="steer")
    db.session.commit()
    yield place
    place.app.extensions["pilothouse_target_pools"].close()
    place.execute(f"drop role {place.name}_ops", f"drop role {place.name}_app")


def test_the_session_that_was_shown_ends_and_no_other(steered: Any) -> None:
    with steered.server.connect(steered.name) as other:
        other.execute(f"set session authorization {steered.name}_app".encode())
        pid = other.info.backend_pid
        born = steered.execute(BORN.format(pid=pid))[0][0]
        outcomes = []
        for aim in (steer.Aim(pid, born - 1), steer.Aim(pid, born)):
            with steer.steering(steered.target) as reader:
                outcomes.append(steer.stop(reader, "terminate", aim).state)
        other.close()
    assert outcomes in (["gone", "stopped"], ["gone", "protected"])
    assert steer.rights_of(steered.target).grants == []


def test_a_minute_of_looks_is_stored(steered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "SHORTEST_S", 0.1)
    with steered.server.connect(steered.name) as other:
        other.pgconn.send_query(b"select pg_sleep(5)")
        sampling.sample_minute(datetime.now(UTC) - sampling.LASTS + timedelta(seconds=0.5), lambda: False)
        other.close()
    minute = db.session.scalars(select(ActivityMinute)).one()
    assert (minute.looks, minute.active) == (1, 1)
