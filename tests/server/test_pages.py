"""The server's pages: full, empty, unreachable, denied, hostile; as page, fragment, JSON and CSV."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from dashboard.changes.models import Change
from dashboard.server.models import ConnectionSample, DatabaseState, ReplicationState, ServerSetting
from dashboard.targets.models import ProbeState, Target
from tests.collections import Collect
from tests.conftest import Database

MINUTE = timedelta(minutes=1)
PAGES = ("server", "server/replication", "server/settings")
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def watched(collected: Collect, connected: Collect, counted: Collect, followed: Collect, target_db: Database) -> None:
    """Two readings by every collector, with work in between."""
    for ago in (3 * MINUTE, MINUTE):
        for collector in (collected, connected, counted, followed):
            collector(ago)
        target_db.execute("create table if not exists made as select g from generate_series(1, 9000) g")


@pytest.mark.usefixtures("watched")
def test_the_page_shows_what_the_server_did_in_the_window(as_viewer: Any, target: Target) -> None:
    page = as_viewer.get("/t/shop/server?window=15m").text
    assert "PostgreSQL 18" in page
    assert "a primary on timeline 1" in page
    for words in ("Cache hit", "Connections", "Checkpoints", "WAL per second", "Who is connected"):
        assert words in page
    assert "client backend" in page
    assert "No reading in this window" not in page
    assert "needs two readings" not in page


@pytest.mark.usefixtures("watched")
def test_input_and_output_leave_as_json_and_csv(as_viewer: Any) -> None:
    rows = as_viewer.get("/t/shop/server?format=json&window=15m&q=client+backend").json["rows"]
    assert {row["backend_type"] for row in rows} == {"client backend"}
    assert all(row["read_bytes"] is None or row["read_bytes"] >= 0 for row in rows)
    assert as_viewer.get("/t/shop/server?format=csv").text.startswith("backend_type,object,context,reads,")


@pytest.mark.usefixtures("watched")
def test_any_window_is_drawn(as_viewer: Any) -> None:
    asked = [f"/t/shop/{page}?window={window}" for page in PAGES[:2] for window in ("15m", "24h", "7d", "30d", "90d")]
    assert {path: as_viewer.get(path).status_code for path in asked} == dict.fromkeys(asked, 200)


@pytest.mark.usefixtures("watched")
def test_two_times_of_the_past_are_a_window(as_viewer: Any) -> None:
    until = datetime.now(UTC) - timedelta(days=1)
    asked = f"from={(until - MINUTE * 30):%Y-%m-%dT%H:%MZ}&to={until:%Y-%m-%dT%H:%MZ}"
    page = as_viewer.get(f"/t/shop/server?{asked}")
    assert page.status_code == 200
    assert "No reading in this window" in page.text
    [queries] = re.findall(r'href="(/t/shop/queries\?from=[^"]+)"', page.text)
    assert as_viewer.get(unescape(queries)).status_code == 200
    assert f"to={until:%Y-%m-%dT%H:%M}:00.000Z" in queries


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_page_says_when_there_will_be_something(as_viewer: Any, target: Target, page: str) -> None:
    assert "Not collected yet" in as_viewer.get(f"/t/shop/{page}").text
    assert as_viewer.get(f"/t/shop/{page}?format=json").json["rows"] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_a_target_that_was_never_reached_says_why(
    as_viewer: Any, store: Session, target: Target, page: str
) -> None:
    row = store.get_one(Target, target.id)
    row.state, row.unreachable_since, row.unreachable_reason = "unreachable", datetime.now(UTC), f"Nobody {HOSTILE}."
    shown = as_viewer.get(f"/t/shop/{page}").text
    assert "Unreachable since" in shown
    assert HOSTILE not in shown
    assert "Not collected yet" not in shown


@pytest.mark.parametrize("page", [*PAGES, "server/settings/work_mem"])
def test_visitors_are_sent_to_sign_in_and_unknown_targets_are_404(client: Any, as_viewer: Any, page: str) -> None:
    assert client.get(f"/t/shop/{page}").status_code == 303
    assert as_viewer.get(f"/t/nobody/{page}").status_code == 404


@pytest.mark.usefixtures("watched")
def test_a_page_asks_the_same_few_questions(
    app: Flask, as_viewer: Any, queries: Callable[[Flask], AbstractContextManager[list[str]]]
) -> None:
    most = {"server": 18, "server/replication": 18, "server/settings": 14}
    for page, limit in most.items():
        with queries(app) as seen:
            as_viewer.get(f"/t/shop/{page}")
        assert len(seen) <= limit, page


@pytest.mark.usefixtures("watched")
def test_names_of_the_target_are_escaped(as_viewer: Any, store: Session, target: Target) -> None:
    sample = store.query(ConnectionSample).filter_by(target_id=target.id).order_by(ConnectionSample.slot.desc()).first()
    assert sample is not None
    sample.groups = sample.groups | {"application": {"named": [[HOSTILE, 3]], "others": 2, "hidden": 1}}
    store.flush()
    page = as_viewer.get("/t/shop/server").text
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "all others" in page
    assert "hidden from the watching role" in page


@pytest.mark.usefixtures("watched")
def test_another_cluster_is_told_where_the_window_holds_its_beginning(
    as_viewer: Any, store: Session, target: Target
) -> None:
    assert "Another database cluster" not in as_viewer.get("/t/shop/server").text
    store.get_one(DatabaseState, target.id).cluster_since = datetime.now(UTC) - MINUTE
    store.flush()
    assert "nothing is counted across that moment" in as_viewer.get("/t/shop/server").text


@pytest.mark.usefixtures("watched")
def test_what_a_probe_could_not_read_is_said_with_its_grant(as_viewer: Any, store: Session, target: Target) -> None:
    probe = store.get_one(ProbeState, (target.id, "connections"))
    probe.state, probe.reason, probe.remedy_sql = "partial", "State and address are hidden.", "GRANT pg_monitor TO w;"
    store.flush()
    page = as_viewer.get("/t/shop/server").text
    assert "State and address are hidden." in page
    assert "pg_monitor" in page


@pytest.mark.usefixtures("watched")
def test_a_slot_is_listed_with_the_reason_that_it_holds_wal(
    as_viewer: Any, target_db: Database, followed: Collect
) -> None:
    target_db.execute("select pg_create_physical_replication_slot('gone', true)")
    try:
        followed()
    finally:
        target_db.execute("select pg_drop_replication_slot('gone')")
    (row,) = as_viewer.get("/t/shop/server/replication?format=json").json["rows"]
    assert (row["kind"], row["name"], row["state"]) == ("slot", "gone", "inactive, reserved")
    assert "the standby is stopped or gone" in row["why"]
    assert "the standby is stopped or gone" in as_viewer.get("/t/shop/server/replication").text


@pytest.mark.usefixtures("watched")
def test_a_server_that_hides_its_identifier_says_what_that_costs(
    as_viewer: Any, store: Session, target: Target
) -> None:
    store.get_one(DatabaseState, target.id).system_identifier = None
    store.flush()
    assert "does not tell its system identifier" in as_viewer.get("/t/shop/server/replication").text


@pytest.mark.usefixtures("watched")
def test_a_standby_is_told_with_its_receiver_and_its_conflicts(as_viewer: Any, store: Session, target: Target) -> None:
    state = store.get_one(ReplicationState, target.id)
    state.is_standby = True
    state.position = state.position | {"pause": "paused", "unreplayed_bytes": 0, "receiver": None}
    store.flush()
    page = as_viewer.get("/t/shop/server/replication").text
    assert "No connection to a primary" in page
    assert "pg_wal_replay_resume()" in page
    assert "Queries cancelled by recovery" in page


@pytest.mark.usefixtures("watched")
def test_settings_can_be_narrowed_to_what_differs_from_its_default(as_viewer: Any) -> None:
    rows = as_viewer.get("/t/shop/server/settings?format=json&which=changed").json["rows"]
    found = {row["name"]: row for row in rows}
    assert (found["track_io_timing"]["value"], found["track_io_timing"]["default_value"]) == ("on", "off")
    assert "work_mem" not in found
    assert "server_version" not in found
    assert as_viewer.get("/t/shop/server/settings?which=nonsense").status_code == 422


@pytest.mark.usefixtures("watched")
def test_a_search_finds_settings_by_what_they_mean(as_viewer: Any) -> None:
    rows = as_viewer.get("/t/shop/server/settings?format=json&q=work_mem").json["rows"]
    assert "work_mem" in {row["name"] for row in rows}
    assert "No setting fits" in as_viewer.get("/t/shop/server/settings?q=nothing-like-this").text


@pytest.mark.usefixtures("watched")
def test_a_setting_tells_its_history_exact_or_noticed(as_viewer: Any, store: Session, target: Target) -> None:
    at = datetime(2026, 11, 21, 7, 5, tzinfo=UTC)
    for n, after in enumerate((None, at - MINUTE)):
        detail = {"before": "4096", "after": str(8192 * (n + 1)), "unit": "kB", "source": "configuration file"}
        store.add(
            Change(
                at=at + n * MINUTE, noticed_after=after, kind="setting", title="work_mem", subject="work_mem",
                target_id=target.id, detail=detail,
            )
        )  # fmt: skip
    page = as_viewer.get("/t/shop/server/settings/work_mem").text
    assert "4 MB" in page
    assert "16 MB" in page
    assert "exactly: the server read its files then" in page
    assert "noticed then; changed after" in page
    assert as_viewer.get("/t/shop/server/settings/nonsense").status_code == 404


@pytest.mark.usefixtures("watched")
def test_a_setting_that_waits_for_a_restart_is_told_above_the_list(
    as_viewer: Any, store: Session, target: Target
) -> None:
    store.get_one(ServerSetting, (target.id, "shared_buffers")).pending_restart = True
    store.flush()
    assert "1 setting waits for a restart" in as_viewer.get("/t/shop/server/settings").text
