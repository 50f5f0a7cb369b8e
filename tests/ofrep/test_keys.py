"""Keys in each process's memory: known before they are used, gone soon after they are revoked, never waited for."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.exception import OpenFeatureError
from sqlalchemy import select

from dashboard.flags import live
from dashboard.security import tokens
from dashboard.security.key_edits import revoke_key
from dashboard.security.models import ApiKey
from dashboard.store import db
from tests.conftest import close, make_app
from tests.ofrep.conftest import Application, add_key, over_http, store_away, until

AT_ONCE_S = 0.5


@pytest.fixture
def elsewhere(served, server):
    """Another process on the same store, started and not asked yet."""
    name = served.config["SQLALCHEMY_DATABASE_URI"].rsplit("/", 1)[1].partition("?")[0]
    app = make_app(server, name)
    yield app
    close(app)


def started(app):
    live.start(app)
    with app.app_context():
        assert live.state().status == "fresh"
    return app


def status_and_seconds(application):
    began_s = time.monotonic()
    status = application.flag("plain").status_code
    return status, time.monotonic() - began_s


@pytest.mark.fault
def test_a_process_that_never_saw_a_key_answers_it_while_the_store_is_away(served, server, changing, elsewhere):
    unseen = Application(started(elsewhere), changing.key)
    with store_away(server, served):
        for _ in range(3):
            status, seconds = status_and_seconds(unseen)
            assert (status, seconds < AT_ONCE_S) == (200, True)


@pytest.mark.fault
def test_an_unknown_key_does_not_wait_for_a_store_that_is_away(served, server, elsewhere, monkeypatch):
    stranger = Application(started(elsewhere), "ph_flags_wrong")
    with store_away(server, served):
        assert stranger.flag("plain").status_code == 401
        monkeypatch.setattr(tokens, "FRESH_S", 0)
        status, seconds = status_and_seconds(stranger)
    assert (status, seconds < AT_ONCE_S) == (401, True)


@pytest.mark.fault
def test_a_process_that_never_reached_the_store_says_so(served, server, changing, elsewhere):
    with store_away(server, served):
        answer = Application(elsewhere, changing.key).flag("plain")
        assert (answer.status_code, answer.json["key"], answer.headers["Retry-After"]) == (503, "plain", "5")
        with over_http(elsewhere) as address:
            provider = OFREPProvider(address, headers_factory=lambda: {"X-API-Key": changing.key})
            with pytest.raises(OpenFeatureError, match="own database does not answer") as told:
                provider.resolve_boolean_details("plain", default_value=False)
            provider.session.close()
        assert told.value.error_code.value == "GENERAL"
    until(lambda: Application(elsewhere, changing.key).flag("plain").status_code == 200, within_s=10)


def test_a_revoked_key_stops_everywhere_within_two_seconds(served, changing, elsewhere):
    other = Application(started(elsewhere), changing.key)
    assert (changing.flag("plain").status_code, other.flag("plain").status_code) == (200, 200)
    with served.app_context():
        revoke_key(db.session.scalars(select(ApiKey.id)).one())
        db.session.commit()
    until(lambda: {one.flag("plain").status_code for one in (changing, other)} == {401}, within_s=2)


def test_a_new_key_works_at_once(served, elsewhere):
    started(elsewhere)
    with served.app_context():
        new = Application(elsewhere, add_key("staging"))
    assert new.flag("plain").status_code == 200


@pytest.mark.fault
def test_a_key_that_expires_in_memory_is_refused(served, server, elsewhere):
    with served.app_context():
        soon = Application(elsewhere, add_key("staging", expires_at=datetime.now(UTC) + timedelta(seconds=2)))
    started(elsewhere)
    with store_away(server, served):
        assert soon.flag("plain").status_code == 200
        time.sleep(2)
        assert soon.flag("plain").status_code == 401


def test_known_keys_ask_the_store_nothing_and_their_use_is_noted_later(served, changing, queries):
    started(served)
    until(lambda: changing.flag("plain").status_code == 200)
    time.sleep(live.POLL_S)
    with queries(served) as seen:
        assert changing.flag("plain").status_code == 200
    assert seen == []
    with served.app_context():
        until(lambda: db.session.scalar(select(ApiKey.used_at)) or db.session.rollback())


def test_nobody_waits_for_a_key_that_is_locked(served, changing, elsewhere):
    other = Application(started(elsewhere), changing.key)
    with served.app_context():
        db.session.scalars(select(ApiKey).with_for_update()).one()
        until_s = time.monotonic() + 2
        while time.monotonic() < until_s:
            status, seconds = status_and_seconds(other)
            assert (status, seconds < AT_ONCE_S) == (200, True)
            time.sleep(0.2)
        db.session.rollback()
