"""Whole collections against the bare questions: the same statements, sent by psycopg alone, with nothing stored."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bench.house import House, seconds_of
from dashboard.jobs import COLLECTORS
from dashboard.store import db
from dashboard.targets.collection import Collector
from dashboard.targets.connect import Reader, address_of
from dashboard.targets.models import Target
from dashboard.targets.run import collect_target

Asked = list[tuple[str, Any]]


@contextmanager
def noted(asked: Asked) -> Iterator[None]:
    """Write down every question that our readers send."""
    send, send_numbers, send_lines = Reader.rows, Reader.numbers, Reader.lines

    def rows(reader: Reader, sql: str, params: Any = None) -> list[dict[str, Any]]:
        asked.append((sql, params))
        return send(reader, sql, params)

    def numbers(reader: Reader, sql: str) -> list[tuple[Any, ...]]:
        asked.append((sql, None))
        return send_numbers(reader, sql)

    def lines(reader: Reader, sql: str) -> list[bytes]:
        asked.append((sql, None))
        return send_lines(reader, sql)

    Reader.rows, Reader.numbers, Reader.lines = rows, numbers, lines  # type: ignore[method-assign]
    try:
        yield
    finally:
        Reader.rows, Reader.numbers, Reader.lines = send, send_numbers, send_lines  # type: ignore[method-assign]


def collected(house: House, collectors: tuple[Collector, ...] = COLLECTORS) -> float:
    """Seconds of one collection, as `pilothouse collect` makes it."""
    with house.app.app_context():
        taken = seconds_of(lambda: collect_target(house.target_id, datetime.now(UTC), collectors, by_hand=True))
        db.session.remove()
    return taken


def bare(house: House, asked: Asked) -> float:
    """Seconds of the same questions on a connection of our watching role, answers read and thrown away."""
    with house.app.app_context():
        address = address_of(db.session.get_one(Target, house.target_id))
    with psycopg.connect(
        host=address.host, port=address.port, dbname=address.dbname, user=address.user, password=address.password,
        row_factory=dict_row,
    ) as connection:  # fmt: skip
        return seconds_of(lambda: [connection.execute(sql.encode(), params).fetchall() for sql, params in asked])


def memory_of_a_worker(house: House) -> list[int]:
    """Bytes that a fresh worker process holds after its start and after each of three collections, then at its peak."""
    asked = [str(house.server.data_dir), house.database.name.replace("target_", "store_"), str(house.target_id)]
    told = subprocess.run(
        [sys.executable, "-m", "bench.worker", *asked], check=True, capture_output=True, text=True
    ).stdout
    found: list[int] = json.loads(told.splitlines()[-1])
    return found
