"""What every benchmark stands on: a built-in PostgreSQL of its own, stores at head, watched databases."""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade

from dashboard.embedded import Server
from dashboard.store import db
from dashboard.targets.models import Target
from tests.conftest import Database, close, make_app, run_sql, watched
from tests.people import Browser, sign_in


@dataclass(frozen=True)
class House:
    """An app on a store of its own; `target_id` is the watched database `database`."""

    server: Server
    app: Flask
    database: Database
    target_id: int

    def browser(self) -> Browser:
        return sign_in.__wrapped__()(self.app, "viewer")

    def slug(self) -> str:
        with self.app.app_context():
            return db.session.get_one(Target, self.target_id).slug


@contextmanager
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="pilothouse-bench-"))
    started = Server(folder, durable=False).start()
    try:
        yield started
    finally:
        started.stop()
        shutil.rmtree(folder)


@contextmanager
def house(running: Server, name: str, fill: Callable[[Database], None]) -> Iterator[House]:
    """A watched database that `fill` has filled, and a fresh store beside it."""
    run_sql(running, "create database {}", f"target_{name}")
    database = Database(running, f"target_{name}")
    database.execute("create extension pg_stat_statements")
    fill(database)
    running.ensure_database(f"store_{name}", "pilothouse")
    app = make_app(running, f"store_{name}")
    with app.app_context():
        upgrade()
    try:
        yield House(running, app, database, watched(app, database))
    finally:
        close(app)


def seconds_of(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turns(
    works: Sequence[Callable[[], Any]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """The median seconds of each, taken in turns, so that a busy moment of the machine touches all of them."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for mine, work in zip(taken, works, strict=True):
            began = clock()
            work()
            mine.append(clock() - began)
    return [statistics.median(times) for times in taken]


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown, ready for the README."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
