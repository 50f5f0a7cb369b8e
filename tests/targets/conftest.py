"""A watched database of the built-in server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from dashboard.store import db
from dashboard.targets.connect import address_of
from dashboard.targets.edits import add_target
from dashboard.targets.models import Target
from dashboard.targets.pools import Address


@dataclass(frozen=True)
class Watched:
    app: Flask
    database: Any
    target_id: int
    role: str

    @property
    def target(self) -> Target:
        return db.session.get_one(Target, self.target_id)

    @property
    def address(self) -> Address:
        return address_of(self.target)


@contextmanager
def registered(app: Flask, target_db: Any) -> Iterator[Watched]:
    """Inside an app context; `role` watches with pg_monitor."""
    role, password = f"role_{target_db.name}", "a watching password"
    target_db.execute(f"create role {role} login password '{password}' in role pg_monitor")
    values = {"slug": "shop", "host": target_db.host, "dbname": target_db.name, "user": role, "password": password}
    with app.app_context():
        target = add_target(values, origin="command")
        db.session.commit()
        yield Watched(app, target_db, target.id, role)
        db.session.rollback()
        app.extensions["pilothouse_target_pools"].close()
    target_db.execute(f"reassign owned by {role} to postgres")
    target_db.execute(f"drop owned by {role}")
    target_db.execute(f"drop role {role}")


@pytest.fixture
def watched(app: Flask, target_db: Any) -> Iterator[Watched]:
    with registered(app, target_db) as found:
        yield found


@pytest.fixture
def collected(cloned_store: Flask, target_db: Any) -> Iterator[Watched]:
    """In a store that commits for real: a collection uses several connections."""
    with registered(cloned_store, target_db) as found:
        yield found
