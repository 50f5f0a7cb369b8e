"""The copy of flags and keys on disk: a process that starts while the store is away serves from it, or from nothing."""

import logging
import stat
import time
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.flags import copy_on_disk, live
from tests.conftest import SECRET_KEY, close, make_app
from tests.ofrep.conftest import Application, add_key, store_away, until
from tests.ofrep.web import Web, asked

DUMPED = "/ofrep/v1/evaluate/flags"


def name_of(app):
    return app.config["SQLALCHEMY_DATABASE_URI"].rsplit("/", 1)[1].partition("?")[0]


@pytest.fixture
def kept(served, changing, tmp_path):
    """Where a process has left its copy."""
    live.keep_on_disk(served, tmp_path)
    assert changing.flag("plain").status_code == 200
    until((tmp_path / copy_on_disk.NAME).exists)
    return tmp_path


@pytest.fixture
def elsewhere(served, server, kept):
    """Another process of this machine, not started yet."""
    app = make_app(server, name_of(served))
    live.keep_on_disk(app, kept)
    yield app
    close(app)


@pytest.mark.fault
def test_a_process_started_while_the_store_is_away_answers_as_the_others_did(served, server, changing, elsewhere):
    before = changing.bulk({"plan": "pro"})
    late = Application(elsewhere, changing.key)
    with store_away(server, served):
        live.start(elsewhere)
        answer = late.bulk({"plan": "pro"})
        assert (answer.data, answer.headers["ETag"]) == (before.data, before.headers["ETag"])
        assert answer.headers["Pilothouse-Flags"].startswith("stale; age=")
        ready = late.client.get("/readyz/flags")
        assert (ready.status_code, ready.json["status"], ready.json["reason"]) == (200, "stale", live.FROM_COPY)
        assert Application(elsewhere, "ph_flags_wrong").flag("plain").status_code == 401
    until(lambda: "Pilothouse-Flags" not in late.flag("plain").headers)


def test_the_copy_is_ours_alone_and_holds_no_key(kept, changing):
    path = kept / copy_on_disk.NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(kept.iterdir()) == [path]
    assert changing.key.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    "harm", [lambda b: b[:-1], lambda b: b.replace(b"true", b"false", 1), lambda b: b[:0], bytes.upper]
)
def test_a_copy_that_was_changed_is_refused_and_logged(kept, served, harm, caplog):
    path = kept / copy_on_disk.NAME
    path.write_bytes(harm(path.read_bytes()))
    copy = copy_on_disk.CopyOnDisk(kept, SECRET_KEY, served.config["SQLALCHEMY_DATABASE_URI"])
    with caplog.at_level(logging.ERROR):
        assert copy.read() is None
    assert "is not used: it was cut, changed" in caplog.text


def test_a_copy_of_another_installation_or_store_is_refused(kept, served):
    address = served.config["SQLALCHEMY_DATABASE_URI"]
    assert copy_on_disk.CopyOnDisk(kept, SECRET_KEY, address).read() is not None
    assert copy_on_disk.CopyOnDisk(kept, "x" * 32, address).read() is None
    assert copy_on_disk.CopyOnDisk(kept, SECRET_KEY, address.replace(name_of(served), "other")).read() is None


def test_a_disk_that_takes_nothing_keeps_serving_and_keeps_the_file(kept, served, changing, caplog):
    copy = copy_on_disk.CopyOnDisk(kept / "gone", SECRET_KEY, served.config["SQLALCHEMY_DATABASE_URI"])
    copy.write({}, [])
    assert "was not written" in caplog.text
    assert changing.flag("plain").status_code == 200


@pytest.fixture
def web(served, tmp_path):
    web = Web(served, tmp_path)
    yield web
    web.stop()


@pytest.mark.fault
def test_pilothouse_web_starts_and_serves_without_its_store(served, server, changing, web, tmp_path):
    web.start()
    until(lambda: asked(web.port, DUMPED, changing.key, b"{}")[0] == 200)
    until((tmp_path / copy_on_disk.NAME).exists)
    web.stop()
    with store_away(server, served):
        port = web.start()
        began_s = time.monotonic()
        status, body, headers = asked(port, DUMPED, changing.key, b"{}")
        assert (status, len(body["flags"])) == (200, 15)
        assert headers["Pilothouse-Flags"].startswith("stale")
        assert asked(port, "/readyz/flags")[1]["status"] == "stale"
        assert time.monotonic() - began_s < 10
    until(lambda: asked(port, "/readyz/flags")[1]["status"] == "fresh")


def test_a_key_of_the_copy_that_has_expired_since_is_refused(served, kept):
    with served.app_context():
        key = add_key("staging", expires_at=datetime.now(UTC) + timedelta(seconds=1))
    assert Application(served, key).flag("plain").status_code == 200
    time.sleep(1)
    assert Application(served, key).flag("plain").status_code == 401
