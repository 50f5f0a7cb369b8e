"""The demo: put up once, steered by its flags, taken away with nothing left."""

import random
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openfeature import api
from openfeature.provider.in_memory_provider import InMemoryFlag, InMemoryProvider
from sqlalchemy import select
from werkzeug.serving import make_server

from dashboard import demo
from dashboard.demo import load, shop
from dashboard.embedded import Server
from dashboard.flags.edits import toggle
from dashboard.flags.models import Flag
from dashboard.history.reading import list_folder, read_folder
from dashboard.history.rules import build
from dashboard.security.models import ApiKey, AuditEntry
from dashboard.settings import load_settings
from dashboard.store import db
from dashboard.targets.models import Target


@pytest.fixture(scope="module")
def shop_server(server: Server) -> Iterator[Server]:
    """One shop for the whole file: the tests that change it stand at its end."""
    yield server
    shop.drop(server)


@pytest.fixture
def shown(cloned_store: Flask, shop_server: Server) -> Iterator[Flask]:
    """An app of its own with the demo put up."""
    with cloned_store.app_context():
        demo.install(shop_server)
    yield cloned_store
    shop.key_file(shop_server).unlink(missing_ok=True)


def counted(server: Server, question: str) -> Any:
    with server.connect(shop.DATABASE) as connection:
        return connection.execute(question.encode()).fetchone()


def calls(server: Server, part: str) -> int:
    question = "select coalesce(sum(calls), 0) from pg_stat_statements where query like %s"
    with server.connect(shop.DATABASE) as connection:
        found = connection.execute(question, [f"%{part}%"]).fetchone()
    return int(str(found[0])) if found else 0


def test_the_history_has_a_merge_and_ends_one_before_its_head() -> None:
    files, findings = read_folder(list_folder(str(shop.REVISIONS)))
    graph = build([file.node() for file in files])
    assert findings == []
    assert (len(files), graph.findings) == (16, ())
    assert [file.revision for file in files if len(file.down_revisions) > 1] == ["9e8ab5c3d624"]
    assert graph.order[-2:] == (shop.APPLIED, "e4df0ab8c179")


def test_it_has_hundreds_of_thousands_of_rows_and_what_a_shop_has(shown: Flask, server: Server) -> None:
    rows = counted(server, "select sum(n_live_tup) from pg_stat_user_tables")[0]
    kinds = counted(
        server,
        """select
            (select count(*) from pg_inherits where inhparent = 'orders'::regclass) >= 12,
            (select count(*) from pg_index where indpred is not null) >= 2,
            (select count(*) from pg_indexes where indexdef like '%USING gin%') >= 3,
            (select count(*) from pg_type where typtype = 'e') >= 2,
            (select count(*) from pg_description where objoid = 'orders'::regclass) >= 2,
            (select count(*) from pg_indexes where tablename = 'payments' and indexdef like '%(reference)%') = 0""",
    )
    assert rows > 400_000
    assert set(kinds) == {True}


def test_installed_twice_it_is_there_once(shown: Flask, server: Server) -> None:
    key = shop.key_file(server).read_text()
    with shown.app_context():
        demo.install(server)
        assert db.session.scalars(select(Target.slug)).all() == ["shop"]
        assert len(db.session.scalars(select(Flag)).all()) == 3
        assert len(db.session.scalars(select(ApiKey)).all()) == 1
    assert shop.key_file(server).read_text() == key
    assert stat.S_IMODE(shop.key_file(server).stat().st_mode) == 0o600


def test_the_watching_role_may_read_statistics_and_heads_but_no_rows(shown: Flask, server: Server) -> None:
    with server.connect(shop.DATABASE, shop.WATCHER) as connection:
        assert connection.execute("select version_num from alembic_version").fetchone() == (shop.APPLIED,)
        may_read = connection.execute("select has_table_privilege('customers', 'SELECT')").fetchone()
    assert may_read == (False,)


@pytest.mark.parametrize(
    ("flags", "asked", "spared"),
    [
        ({"checkout-fast-search": False, "recommendations": "off"}, "ILIKE", "plainto_tsquery"),
        ({"checkout-fast-search": True, "recommendations": "off"}, "plainto_tsquery", "ILIKE"),
        ({"checkout-fast-search": True, "recommendations": "heavy"}, "AS together", "ILIKE"),
    ],
)
def test_flags_change_what_the_load_does(
    shown: Flask, server: Server, flags: dict[str, Any], asked: str, spared: str
) -> None:
    values = {key: InMemoryFlag("now", {"now": value}) for key, value in (flags | {"load-level": 8}).items()}
    api.set_provider(InMemoryProvider(values), "demo-test")
    before = calls(server, asked), calls(server, spared)
    ends_s = time.monotonic() + 0.5
    client = api.get_client("demo-test")
    load.serve(server, client, until=lambda: time.monotonic() > ends_s, dice=random.Random(1))  # noqa: S311
    assert calls(server, asked) > before[0]
    assert calls(server, spared) == before[1]


@pytest.fixture
def serving(shown: Flask) -> Iterator[Flask]:
    """The app behind a real port, with the settings that name it."""
    http = make_server("127.0.0.1", 0, shown, threaded=True)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    shown.extensions["pilothouse_settings"] = load_settings({"PORT": str(http.server_port)})
    yield shown
    http.shutdown()
    thread.join()
    http.server_close()


def until(wanted: Callable[[], bool]) -> bool:
    ends_s = time.monotonic() + 10
    while not wanted() and time.monotonic() < ends_s:
        time.sleep(0.1)
    return wanted()


def test_a_toggle_reaches_the_load_over_ofrep(serving: Flask) -> None:
    client = load.flags_client(serving)
    assert until(lambda: load.wished(client).recommendations == "simple")
    assert load.wished(client).fast_search is False
    with serving.app_context():
        flag = db.session.scalars(select(Flag).where(Flag.key == "checkout-fast-search")).one()
        toggle(flag, db.session.scalars(select(Target)).one().environment, True, version=None)
        db.session.commit()
    assert until(lambda: load.wished(client).fast_search)
    api.shutdown()


def test_the_load_comes_back_when_its_connection_was_cut(shown: Flask, server: Server) -> None:
    shown.extensions["pilothouse_settings"] = load_settings({"PORT": "9"})
    stopping = threading.Event()
    thread = threading.Thread(target=load.run, args=[shown], kwargs={"until": stopping.is_set})
    thread.start()
    backend = "select pid from pg_stat_activity where application_name = 'shop'"
    assert until(lambda: counted(server, backend) is not None)
    cut = counted(server, backend)[0]
    counted(server, f"select pg_terminate_backend({cut})")
    assert until(lambda: (counted(server, backend) or (cut,))[0] != cut)
    stopping.set()
    thread.join()


def test_without_an_answer_the_defaults_serve(shown: Flask) -> None:
    shown.extensions["pilothouse_settings"] = load_settings({"PORT": "9"})
    assert load.wished(load.flags_client(shown)) == load.Wishes()


def test_what_is_pending_can_be_applied(shown: Flask, server: Server) -> None:
    shop.migrate(server, "head")
    shop.ensure(server)
    assert counted(server, "select version_num from alembic_version") == ("e4df0ab8c179",)


def test_one_click_of_an_admin_takes_it_away(shown: Flask, server: Server, sign_in: Any) -> None:
    assert sign_in(shown, "operator").post("/settings/targets/demo/remove").status_code == 403
    assert sign_in(shown, "admin").post("/settings/targets/demo/remove").status_code == 303
    with shown.app_context():
        assert not demo.is_installed()
        assert db.session.scalars(select(Flag)).all() == []
        assert [key.revoked_at is not None for key in db.session.scalars(select(ApiKey))] == [True]
        told = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "demo.remove")).one()
    assert told.before["database"] == shop.DATABASE
    with server.connect() as connection:
        left = connection.execute("select datname from pg_database where datname = %s", [shop.DATABASE]).fetchall()
        roles = connection.execute("select rolname from pg_roles where rolname like 'demo_%'").fetchall()
    assert (left, roles, Path(shop.key_file(server)).exists()) == ([], [], False)


def test_what_is_not_there_cannot_be_removed(cloned_store: Flask, sign_in: Any) -> None:
    assert sign_in(cloned_store, "admin").post("/settings/targets/demo/remove").status_code == 404
