"""What every test may ask for: a real PostgreSQL, a store that is rolled back, people who are signed in, targets."""

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask, has_app_context
from flask_migrate import upgrade
from psycopg.errors import DuplicateObject
from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.orm import Session

from dashboard import create_app
from dashboard.embedded import Server
from dashboard.flags import live
from dashboard.settings import load_settings
from dashboard.store import db
from dashboard.targets.models import Environment, Target, TargetLogin
from dashboard.targets.secrets import seal
from tests.compiled import Compiled
from tests.databases import (  # noqa: F401 - fixtures work where they are imported
    Database,
    empty_db,
    numbers,
    run_sql,
    started,
    target_db,
    target_template,
)
from tests.people import (  # noqa: F401 - fixtures work where they are imported
    SECRET_KEY,
    Browser,
    as_admin,
    as_operator,
    as_viewer,
    client,
    sign_in,
)

OTHERS = {"DATABASE_URL", "SECRET_KEY", "HOST", "PORT", "PYTHONDONTWRITEBYTECODE"}


def make_app(server: Server, dbname: str, url: str = "") -> Flask:
    url = url or server.url(dbname, "pilothouse")
    app = create_app(load_settings({}), database_url=url, secret_key=SECRET_KEY)
    app.config["TESTING"] = False
    app.jinja_env.bytecode_cache = Compiled()
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


def pytest_collection_finish() -> None:
    """What the modules and the tests themselves hold is not searched for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> None:
    for name in list(os.environ):
        if name.startswith(("PILOTHOUSE_", "PG")) or name in OTHERS:
            del os.environ[name]


@pytest.fixture(scope="session", autouse=True)
def _compiled_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    own = tmp_path_factory.getbasetemp()
    Compiled.folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "templates"
    Compiled.folder.mkdir(exist_ok=True)


@pytest.fixture(autouse=True)
def _leaves_no_app_context() -> Iterator[None]:
    """A context left open would give the next test another app's store."""
    yield
    assert not has_app_context()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with started() as server:
        yield server


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
    run_sql(server, "create database {} template {} strategy file_copy owner pilothouse", "store", store_template)
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
    run_sql(server, "create database {} template {} strategy file_copy owner pilothouse", name, store_template)
    app = make_app(server, name)
    yield app
    close(app)
    run_sql(server, "drop database {} with (force)", name)


def watched(app: Flask, database: Database) -> int:
    """Register a database of the built-in server, watched by a role with pg_monitor; the target's id."""
    server = database.server
    role = f"watch_{database.name}"
    with contextlib.suppress(DuplicateObject):
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
def target(app: Flask, store: Session, request: pytest.FixtureRequest) -> Iterator[Target]:
    """A registered target; `slug` is "shop". Its database is `target_db` where the test asks for that, else empty."""
    database = request.getfixturevalue("target_db" if "target_db" in request.fixturenames else "empty_db")
    yield store.get_one(Target, watched(app, database))
    app.extensions["pilothouse_target_pools"].close()


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
