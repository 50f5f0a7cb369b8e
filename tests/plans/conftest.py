"""A watched shop whose owner opted into EXPLAIN: docs/roles.md's role, and families as collections would store them."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from dashboard.embedded import Server
from dashboard.statements.family import digest
from dashboard.statements.models import StatementFamily
from dashboard.store import db
from dashboard.targets.edits import add_target
from dashboard.targets.models import Target
from tests.conftest import Database, run_sql

PASSWORD = "a password of the tests"
ROLES = (Path(__file__).parents[2] / "docs" / "roles.md").read_text(encoding="utf-8")
# A function that planning calls and that reads a table: its answer becomes a part of the plan.
PEEK = """
create or replace function peek() returns text immutable language sql
as $$ select secret from customers where id = 1 $$
"""
SHOP = """
create table customers (id int primary key, email text not null, secret text);
insert into customers select n, 'c' || n || '@example.com', 'the secret of ' || n from generate_series(1, 500) n;
create table orders (id int primary key, customer_id int not null, at timestamptz not null, total_cents int);
insert into orders select n, n % 500 + 1, timestamptz '2026-01-01' + n * interval '1 minute', n
from generate_series(1, 4000) n;
create index orders_customer on orders (customer_id);
analyze customers"""


@dataclass
class Shop:
    """`family(text)` is the id of the family of a text; `plans(family_id)` the address of its plans."""

    app: Flask
    database: Database
    target_id: int
    explainer: str

    def family(self, text: str, *, is_truncated: bool = False) -> int:
        with self.app.app_context():
            now = datetime.now(UTC)
            seen = {"first_seen_at": now, "last_seen_at": now, "text_truncated": is_truncated}
            row = StatementFamily(target_id=self.target_id, text_key=digest(text), text=text, **seen)
            db.session.add(row)
            db.session.commit()
            return row.id

    @contextmanager
    def changed(self, statement: str, back: str) -> Iterator[None]:
        """A change of the shared database for the time of a test."""
        self.database.execute(statement)
        try:
            yield
        finally:
            self.database.execute(back)

    def plans(self, text: str) -> str:
        return f"/t/shop/queries/{self.family(text)}/plans"


def explaining_sql(role: str, database: str, password: str) -> list[str]:
    """What docs/roles.md tells an owner to run, for this role and database."""
    section = ROLES[ROLES.index("## Explaining") :]
    script = re.search(r"```sql\n(.*?)```", section, re.DOTALL)
    assert script
    text = script[1].replace("dash_explain", role).replace("shop_owner", "postgres").replace("…", password)
    return [line for line in text.replace("DATABASE shop", f"DATABASE {database}").split(";\n") if line.strip()]


def made(database: Database) -> tuple[str, str]:
    """The shop's tables and its two roles: who watches, who explains."""
    watcher, explainer = f"watch_{database.name}", f"explain_{database.name}"
    for statement in SHOP.split(";\n"):
        database.execute(statement)
    database.execute("vacuum analyze orders")
    database.execute("create extension if not exists pg_stat_statements")
    database.execute(f"create role {watcher} login password '{PASSWORD}' in role pg_monitor")
    for statement in explaining_sql(explainer, database.name, PASSWORD):
        database.execute(statement)
    return watcher, explainer


def registered(app: Flask, database: Database, watcher: str, explainer: str) -> Shop:
    values = {
        "slug": "shop", "host": database.host, "dbname": database.name, "user": watcher, "password": PASSWORD,
        "explain_user": explainer, "explain_password": PASSWORD,
    }  # fmt: skip
    with app.app_context():
        target = add_target(values, origin="command")
        db.session.commit()
        return Shop(app, database, target.id, explainer)


@pytest.fixture(scope="session")
def shop_database(server: Server) -> Iterator[tuple[Database, str, str]]:
    """One for all tests that only add to it."""
    run_sql(server, "create database {}", "plans_shop")
    database = Database(server, "plans_shop")
    yield database, *made(database)
    run_sql(server, "drop database {} with (force)", "plans_shop")


@pytest.fixture
def shop(app: Flask, store: Session, shop_database: tuple[Database, str, str]) -> Iterator[Shop]:
    """The target "shop", watched with pg_monitor and explained by a role of its own."""
    yield registered(app, *shop_database)
    app.extensions["pilothouse_target_pools"].close()


@pytest.fixture
def own_shop(app: Flask, store: Session, target_db: Database) -> Iterator[Shop]:
    """The same in a database of its own, for tests that take something away."""
    watcher, explainer = made(target_db)
    yield registered(app, target_db, watcher, explainer)
    app.extensions["pilothouse_target_pools"].close()
    target_db.execute(f"drop owned by {explainer}")
    for role in (watcher, explainer):
        target_db.execute(f"drop role {role}")


@pytest.fixture
def opt_out(app: Flask) -> Callable[[], None]:
    """Take the explaining role away from the target."""

    def taken() -> None:
        with app.app_context():
            for login in db.session.query(Target).one().logins:
                if login.purpose == "explain":
                    db.session.delete(login)
            db.session.commit()

    return taken
