"""Alembic's environment of the store: one transaction, one upgrade at a time, partitions left to their parents."""

import re
import time

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text

from dashboard.store import db

LOCK = 7_012_026
WAIT_S = 120
PARTITION = re.compile(r"_(p\d{8}|m\d{6}|pdefault)$")


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    return not (kind == "table" and name and PARTITION.search(name))


def wait_for_turn(connection: Connection) -> None:
    """Poll: waiting inside pg_advisory_lock would block index builds of whoever holds it."""
    deadline = time.monotonic() + WAIT_S
    while not connection.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": LOCK}):
        if time.monotonic() > deadline:
            raise SystemExit("another process has been upgrading the store for two minutes; try again later")
        time.sleep(0.2)


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_name=include_name,
        compare_server_default=False,
        **current_app.extensions["migrate"].configure_args,
    )
    context.run_migrations()


if context.is_offline_mode():
    context.configure(url="postgresql://", target_metadata=db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with db.engine.begin() as shared:
        wait_for_turn(shared)
        run(shared)
