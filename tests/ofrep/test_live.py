"""A change is seen by every process: at once by notifications, within seconds where they get lost."""

import time

import pytest

from dashboard.flags import edits, live
from dashboard.flags.queries import flag_by_key
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.conftest import close, make_app
from tests.ofrep.conftest import until


@pytest.fixture
def seconds_until_seen(served, server):
    """Turn a flag here; how long until another process, started by the test, knows it."""
    other = make_app(server, served.config["SQLALCHEMY_DATABASE_URI"].rsplit("/", 1)[1].partition("?")[0])

    def is_on(place):
        with other.app_context():
            return live.flags_of(place).flags["plain"].definition.enabled

    def measure(*, enabled):
        with served.app_context():
            place = environment_by_slug("staging").id
            is_on(place)
            edits.toggle(flag_by_key("plain"), environment_by_slug("staging"), enabled=enabled, version=None)
            db.session.commit()
        began_s = time.monotonic()
        until(lambda: is_on(place) is enabled)
        return time.monotonic() - began_s

    yield measure
    close(other)


def test_a_change_is_announced_within_moments(seconds_until_seen):
    taken = sorted(seconds_until_seen(enabled=bool(number % 2)) for number in range(20))
    assert taken[len(taken) // 2] < 0.2
    assert taken[-1] < live.POLL_S


def test_a_change_whose_notification_was_lost_is_polled_for(seconds_until_seen, monkeypatch):
    monkeypatch.setattr(live, "CHANNEL", "nobody_speaks_here")
    assert max(seconds_until_seen(enabled=enabled) for enabled in (False, True)) < 5
