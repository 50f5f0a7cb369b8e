"""What the tests of judgements share: a shop, and what was found in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.findings.models import Finding
from dashboard.tables.models import IndexState, IndexVerdict
from tests.conftest import Database

DAY = timedelta(days=1)


SHOP = """
    create table customers (id int primary key, email text);
    create table orders (id int primary key, customer_id int references customers, note text);
    create index orders_note_idx on orders (note);
    insert into customers select i, 'x' from generate_series(1, 20) i;
    insert into orders select i, 1, 'x' from generate_series(1, 2000) i; analyze; select
"""


def found(store: Session, rule: str) -> list[Finding]:
    store.expire_all()
    open_ones = select(Finding).where(Finding.rule == rule, Finding.ended_at.is_(None))
    return list(store.scalars(open_ones.order_by(Finding.key)))


def verdicts(store: Session) -> dict[str, IndexVerdict]:
    store.expire_all()
    both = (IndexState.target_id == IndexVerdict.target_id) & (IndexState.oid == IndexVerdict.oid)
    return {name: row for row, name in store.execute(select(IndexVerdict, IndexState.name).join(IndexState, both))}


@contextmanager
def busy(database: Database, statement: str) -> Iterator[Any]:
    """A session that did this and has not committed yet."""
    with database.server.connect(database.name) as connection:
        connection.autocommit = False
        connection.execute(statement.encode())
        yield connection
        connection.rollback()
