"""The dashboard's own PostgreSQL: models' base, sessions, the pool and the schema's version."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from psycopg import Connection
from psycopg_pool import ConnectionPool
from sqlalchemy import ARRAY, BigInteger, DateTime, MetaData, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.pool import NullPool

from dashboard.settings import Settings

MIGRATIONS = Path(__file__).parent.parent / "migrations"
PAGE_WAIT_S = 2.0
PROBE_S = 5
UNUSABLE = "DATABASE_URL cannot be used: its host, port or one of its options is wrong."
# libpq gives no SQLSTATE for a connection that did not come about, only the server's English words.
REFUSALS = {
    re.compile(r'FATAL: +database ".*" does not exist'): (
        "The store's server has no database of the name in DATABASE_URL: create it or correct the name."
    ),
    re.compile(
        r"authentication failed|no password supplied|no pg_hba\.conf entry|pg_hba\.conf rejects"
        r'|FATAL: +role ".*" (does not exist|is not permitted to log in)|permission denied for database'
    ): "The store refused the sign-in: check user and password in DATABASE_URL, and that pg_hba.conf lets us in.",
    re.compile(r"connection is bad: invalid|Servname not supported"): UNUSABLE,
}
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={
            datetime: DateTime(timezone=True),
            str: Text(),
            int: BigInteger(),
            list[str]: ARRAY(Text()),
            dict[str, Any]: JSONB(),
            list[Any]: JSONB(),
        },
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)
migrate = Migrate()


def init_app(app: Flask, settings: Settings, database_url: str, *, wait_s: float) -> None:
    """Connect the app with its store; `wait_s` is how long a caller waits for a connection."""
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "poolclass": NullPool,
        "creator": pool_of(settings, database_url, wait_s=wait_s).getconn,
        "connect_args": {},
        "hide_parameters": True,
    }
    db.init_app(app)
    migrate.init_app(app, db, directory=str(MIGRATIONS), render_as_batch=False)


def pool_of(settings: Settings, database_url: str, *, wait_s: float) -> ConnectionPool[Connection]:
    """A pool that opens on first use, checks on checkout and retries a broken store with back-off."""
    pool: ConnectionPool[Connection] = ConnectionPool(
        libpq_url(database_url),
        open=True,
        min_size=0,
        max_size=settings.store_connections,
        timeout=wait_s,
        max_idle=settings.store_idle_s,
        reconnect_timeout=settings.store_connect_s,
        check=ConnectionPool.check_connection,
        close_returns=True,
        kwargs={
            "application_name": "pilothouse-store",
            "connect_timeout": max(2, int(min(wait_s, settings.store_connect_s))),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
        name="store",
    )
    return pool


def refusal(database_url: str) -> str | None:
    """Why no wait will open the store; None when it opens, or may do so later. The pool itself keeps the reason."""
    try:
        psycopg.connect(libpq_url(database_url), connect_timeout=PROBE_S, application_name="pilothouse-store").close()
    except (psycopg.ProgrammingError, UnicodeError):
        return UNUSABLE
    except psycopg.OperationalError as error:
        words = str(error)
        return next((sentence for pattern, sentence in REFUSALS.items() if pattern.search(words)), None)
    return None


def libpq_url(database_url: str) -> str:
    """The address as libpq reads it: a space is %20 there, never a space or a plus sign as SQLAlchemy writes it."""
    address = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    place, mark, query = address.partition("?")
    return place.replace(" ", "%20") + mark + query.replace("+", "%20")


@cache
def expected_heads() -> frozenset[str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return frozenset(ScriptDirectory.from_config(config).get_heads())


def copy_in(
    table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, types: Sequence[str] = ()
) -> None:  # fmt: skip
    """New rows straight from the driver: several times faster than any statement with their values.

    Faster still in binary, with the types of the columns. Names are our own models'; a row that is there is an error.
    """
    driver: Any = db.session.connection().connection.driver_connection
    how = " (format binary)" if types else ""
    with driver.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin{how}") as into:
        if types:
            into.set_types(types)
        for row in rows:
            into.write_row(row)


def schema_problem() -> str | None:
    """None when the store's schema is the one that this code expects, else a sentence. Raises when it is down."""
    expected = expected_heads()
    found = set(MigrationContext.configure(db.session.connection()).get_current_heads())
    if found == expected:
        return None
    return (
        f"The store's schema is at {', '.join(sorted(found)) or 'nothing'}, this version needs "
        f"{', '.join(sorted(expected))}: run `flask --app wsgi db upgrade`"
    )
