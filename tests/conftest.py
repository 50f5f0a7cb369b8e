"""What every test may ask for: a real PostgreSQL, a store that is rolled back, people who are signed in, targets."""

import contextlib
import fcntl
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask_migrate import upgrade
from psycopg import sql
from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.orm import Session

from dashboard import create_app
from dashboard.datadir import locked
from dashboard.embedded import Server
from dashboard.errors import Unavailable
from dashboard.flags import live
from dashboard.settings import load_settings
from dashboard.store import db
from dashboard.targets.models import Environment, Target, TargetLogin
from dashboard.targets.secrets import seal
from tests.people import (  # noqa: F401 - fixtures work where they are imported
    SECRET_KEY,
    Browser,
    as_admin,
    as_operator,
    as_viewer,
    client,
    sign_in,
)

FOLDERS = "pilothouse-test-"
numbers = itertools.count(1)


class Database:
    """A database of the built-in server for one test."""

    def __init__(self, server: Server, name: str) -> None:
        self.server, self.name = server, name
        self.host, self.port = str(server.socket_dir), 5432
        self.url = server.url(name)

    def execute(self, statement: str, params: Any = None) -> list[tuple[Any, ...]]:
        with self.server.connect(self.name) as connection:
            cursor = connection.execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []


def make_app(server: Server, dbname: str) -> Flask:
    url = server.url(dbname, "pilothouse")
    app = create_app(load_settings({}), database_url=url, secret_key=SECRET_KEY)
    app.config["TESTING"] = False
    app.test_client_class = Browser
    app.extensions["pilothouse_server"] = server
    return app


def close(app: Flask) -> None:
    if live.EXTENSION in app.extensions:
        live.stop(app)
    app.extensions["pilothouse_target_pools"].close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    app.config["SQLALCHEMY_ENGINE_OPTIONS"]["creator"].__self__.close()


def run_sql(server: Server, statement: str, *names: str) -> None:
    with server.connect() as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def sweep() -> None:
    """End servers of test runs that were killed; a young folder may belong to a run that is just starting."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*"):
        with contextlib.suppress(OSError):
            if (folder / "users.lock").exists() and folder.stat().st_mtime < time.time() - 600:
                locked(folder / "users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB).close()
                with contextlib.suppress(Unavailable):
                    Server(folder).start().stop()
                shutil.rmtree(folder)


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> None:
    for name in list(os.environ):
        if name.startswith(("PILOTHOUSE_", "PG")) or name in {"DATABASE_URL", "SECRET_KEY", "HOST", "PORT"}:
            del os.environ[name]


@pytest.fixture(autouse=True)
def _leaves_no_app_context() -> Iterator[None]:
    """A context left open would give the next test another app's store."""
    yield
    assert not has_app_context()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=FOLDERS))
    server = Server(folder, durable=False).start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def store_template(server: Server) -> str:
    """The name of an empty store at head, to be cloned."""
    server.ensure_database("store_template", "pilothouse")
    app = make_app(server, "store_template")
    with app.app_context():
        upgrade()
    close(app)
    return "store_template"


@pytest.fixture(scope="session")
def _app(server: Server, store_template: str) -> Iterator[Flask]:
    run_sql(server, "create database {} template {} owner pilothouse", "store", store_template)
    app = make_app(server, "store")
    yield app
    close(app)


@pytest.fixture
def _connection(_app: Flask) -> Iterator[Connection]:
    """One transaction around the test; commits of the code under test end savepoints inside it."""
    with _app.app_context():
        engine = db.engine
    connection = engine.connect()
    transaction = connection.begin()
    db.session.session_factory.configure(join_transaction_mode="create_savepoint")
    with _app.app_context():
        db.engines[None] = connection
    yield connection
    with _app.app_context():
        db.engines[None] = engine
    db.session.session_factory.configure(join_transaction_mode="conditional_savepoint")
    transaction.rollback()
    connection.close()


@pytest.fixture
def app(_app: Flask, _connection: Connection) -> Flask:
    return _app


@pytest.fixture
def store(_connection: Connection) -> Iterator[Session]:
    """What the app has stored, outside any app context; committed and read afresh around each request."""
    with Session(_connection, join_transaction_mode="create_savepoint") as session:
        yield session


@pytest.fixture
def cloned_store(server: Server, store_template: str) -> Iterator[Flask]:
    """An app whose store is its own database: for real commits and several connections."""
    name = f"store_{next(numbers)}"
    run_sql(server, "create database {} template {} owner pilothouse", name, store_template)
    app = make_app(server, name)
    yield app
    close(app)
    run_sql(server, "drop database {} with (force)", name)


@pytest.fixture
def target_db(server: Server) -> Iterator[Database]:
    name = f"target_{next(numbers)}"
    run_sql(server, "create database {}", name)
    database = Database(server, name)
    database.execute("create extension pg_stat_statements")
    yield database
    run_sql(server, "drop database {} with (force)", name)


def watched(app: Flask, database: Database) -> int:
    """Register a database of the built-in server, watched by a role with pg_monitor; the target's id."""
    server = database.server
    role = f"watch_{database.name}"
    run_sql(server, f"create role {{}} login password '{server.password(role)}' in role pg_monitor", role)
    with app.app_context():
        environment = db.session.scalar(select(Environment).where(Environment.slug == "development"))
        environment = environment or Environment(slug="development", name="Development", color="green", position=1)
        target = Target(
            slug="shop",
            name="Shop",
            environment=environment,
            host=database.host,
            port=database.port,
            dbname=database.name,
            sslmode="disable",
            origin="command",
            created_by="tests",
        )
        login = TargetLogin(purpose="watch", username=role)
        target.logins.append(login)
        db.session.add(target)
        db.session.flush()
        login.sealed_password = seal(server.password(role), SECRET_KEY, login_id=login.id, purpose="watch")
        db.session.commit()
        return target.id


@pytest.fixture
def watch() -> Callable[[Flask, Database], int]:
    """Register a database as target "shop" of any app: `watch(cloned_store, target_db)` is its id."""
    return watched


@pytest.fixture
def target(app: Flask, store: Session, target_db: Database) -> Iterator[Target]:
    """A registered target; `slug` is "shop", its database is `target_db`."""
    target_id = watched(app, target_db)
    yield store.get_one(Target, target_id)
    app.extensions["pilothouse_target_pools"].close()
    run_sql(target_db.server, "drop role {}", f"watch_{target_db.name}")


@pytest.fixture
def queries() -> Callable[[Flask], contextlib.AbstractContextManager[list[str]]]:
    """The statements that reach the store: `with queries(app) as seen: …; assert len(seen) == 3`."""

    @contextlib.contextmanager
    def recorded(app: Flask) -> Iterator[list[str]]:
        seen: list[str] = []
        with app.app_context():
            bound: Engine | Connection = db.engines[None]

        def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
                seen.append(statement)

        event.listen(bound.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(bound.engine, "before_cursor_execute", note)

    return recorded
