"""A watched shop whose owner opted into EXPLAIN: docs/roles.md's role, and families as collections would store them."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from dashboard.statements.family import digest
from dashboard.statements.models import StatementFamily
from dashboard.store import db
from dashboard.targets.edits import add_target
from dashboard.targets.models import Target

ROLES = (Path(__file__).parents[2] / "docs" / "roles.md").read_text(encoding="utf-8")
SHOP = """
create table customers (id int primary key, email text not null, secret text);
insert into customers select n, 'c' || n || '@example.com', 'the secret of ' || n from generate_series(1, 500) n;
create table orders (id int primary key, customer_id int not null, at timestamptz not null, total_cents int);
insert into orders select n, n % 500 + 1, timestamptz '2026-01-01' + n * interval '1 minute', n
from generate_series(1, 20000) n;
create index orders_customer on orders (customer_id);
analyze
"""


@dataclass
class Shop:
    """`family(text)` is the id of the family of a text; `plans(family_id)` the address of its plans."""

    app: Flask
    database: Any
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

    def plans(self, text: str) -> str:
        return f"/t/shop/queries/{self.family(text)}/plans"


def explaining_sql(role: str, database: str, password: str) -> list[str]:
    """What docs/roles.md tells an owner to run, for this role and database."""
    section = ROLES[ROLES.index("## Explaining") :]
    script = re.search(r"```sql\n(.*?)```", section, re.DOTALL)
    assert script
    text = script[1].replace("dash_explain", role).replace("shop_owner", "postgres").replace("…", password)
    return [line for line in text.replace("DATABASE shop", f"DATABASE {database}").split(";\n") if line.strip()]


@pytest.fixture
def shop(app: Flask, store: Session, target_db: Any) -> Iterator[Shop]:
    """The target "shop", watched with pg_monitor and explained by a role of its own."""
    watcher, explainer, password = f"watch_{target_db.name}", f"explain_{target_db.name}", "a password of the tests"
    for statement in SHOP.split(";\n"):
        target_db.execute(statement)
    target_db.execute(f"create role {watcher} login password '{password}' in role pg_monitor")
    for statement in explaining_sql(explainer, target_db.name, password):
        target_db.execute(statement)
    values = {
        "slug": "shop", "host": target_db.host, "dbname": target_db.name, "user": watcher, "password": password,
        "explain_user": explainer, "explain_password": password,
    }  # fmt: skip
    with app.app_context():
        target = add_target(values, origin="command")
        db.session.commit()
        target_id = target.id
    yield Shop(app, target_db, target_id, explainer)
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
