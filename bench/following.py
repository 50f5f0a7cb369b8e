"""A set of many flags as a process follows the store: read whole, then what changes of it; and its copy on disk."""

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from psycopg.rows import namedtuple_row
from sqlalchemy import text

from dashboard.flags import segments
from dashboard.flags.copy_on_disk import CopyOnDisk
from dashboard.flags.edits import toggle
from dashboard.flags.imports import ensure_environment
from dashboard.flags.ledger import CHANNEL, Change, announce, change_of
from dashboard.flags.loading import Loaded, load, without_collection
from dashboard.flags.queries import flag_by_key
from dashboard.store import db, libpq_url

CHANGES, TICK_S = 21, 0.001
Taken = tuple[float, float]
Connection = psycopg.Connection[Any]
REFER = text("""
update flag_setting s
   set targeting = cast(:rule as json), served_version = served_version + 1
  from flag f
 where f.id = s.flag_id
   and f.key = any(:keys)
""")


def measured(app: Flask, many: int) -> list[tuple[str, ...]]:
    """The median and the longest by the clock, and the median that was computed."""
    rows: list[tuple[str, Sequence[Taken]]] = []
    url = libpq_url(str(app.config["SQLALCHEMY_DATABASE_URI"]))
    with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as connection:
        connection.execute(f"listen {CHANNEL}".encode())
        known: dict[int, Loaded] = {}
        with without_collection():
            whole = [taken(lambda: known.update(load(connection, {}, []))) for _ in range(3)]
            compiled = [taken(lambda: [loaded.flags.warm() for loaded in known.values()])]
        rows += [(f"{many:,} flags read", whole), ("their rules compiled", compiled)]
        rows += [("one change applied", followed(app, connection, known, turn))]
        rows += [("one change, its notification lost", followed(app, connection, known, turn, is_told=False))]
        refer(app, connection, known)
        rows += [("a segment of three flags changed", followed(app, connection, known, redraw))]
    rows += copied(app, known)
    return [(name, *map(milliseconds, summary(found))) for name, found in rows]


def followed(
    app: Flask,
    connection: Connection,
    known: dict[int, Loaded],
    work: Callable[[Flask, int], None],
    *,
    is_told: bool = True,
) -> list[Taken]:
    found = []
    for number in range(1, CHANGES + 1):
        work(app, number)
        heard = list(connection.notifies(timeout=1, stop_after=1))
        told = [change for each in heard if is_told and (change := change_of(each.payload))]

        def apply(told: Sequence[Change] = told) -> None:
            known.update(load(connection, known, told))
            for loaded in known.values():
                loaded.flags.warm()

        found.append(taken(apply))
    return found


def turn(app: Flask, number: int) -> None:
    with app.app_context():
        place, flag = ensure_environment("bench"), flag_by_key(f"flag-{number * 400:05d}")
        enabled = any(one.enabled for one in flag.settings if one.environment_id == place.id)
        toggle(flag, place, enabled=not enabled, version=None)
        db.session.commit()


def redraw(app: Flask, number: int) -> None:
    with app.app_context():
        place = ensure_environment("bench")
        held = {segment.name: segment.version for segment in segments.segments_of(place)}
        rule = {"ends_with": [{"var": "email"}, f"@shop-{number}.example"]}
        segments.save(place, "staff", "", rule, version=held.get("staff", 0))
        db.session.commit()


def refer(app: Flask, connection: Connection, known: dict[int, Loaded]) -> None:
    """Three flags use a segment from now on."""
    redraw(app, 0)
    with app.app_context():
        rule = json.dumps({"if": [{"$ref": "staff"}, "on"]})
        db.session.execute(REFER, {"rule": rule, "keys": ["flag-01001", "flag-02002", "flag-03003"]})
        announce([ensure_environment("bench").id])
        db.session.commit()
    list(connection.notifies(timeout=1, stop_after=2))
    known.update(load(connection, known, []))


def copied(app: Flask, known: dict[int, Loaded]) -> list[tuple[str, Sequence[Taken]]]:
    """The copy on disk, made by another thread; and what a thread that only looks at the clock waits meanwhile."""
    sets = {number: loaded.flags for number, loaded in known.items()}
    with tempfile.TemporaryDirectory() as folder:
        copy = CopyOnDisk(Path(folder), "x" * 32, str(app.config["SQLALCHEMY_DATABASE_URI"]))
        with pauses() as waited:
            first = taken(lambda: copy.write(sets, []))
        later = []
        for _ in range(5):
            copy.path.unlink()
            later.append(taken(lambda: copy.write(sets, [])))
    pause = max(waited), 0.0
    return [
        ("copy on disk, the first", [first]),
        ("a later one", later),
        ("another thread waits at the first", [pause]),
    ]


@contextmanager
def pauses() -> Iterator[list[float]]:
    found, ended = [0.0], threading.Event()

    def tick() -> None:
        began_s = time.perf_counter()
        while not ended.wait(TICK_S):
            now_s = time.perf_counter()
            found.append(now_s - began_s - TICK_S)
            began_s = now_s

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def taken(work: Callable[[], Any]) -> Taken:
    """Seconds by the clock, and of them those that this thread computed."""
    begun, computed = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - begun, time.thread_time() - computed


def summary(found: Sequence[Taken]) -> tuple[float, float, float]:
    clocks, computed = (sorted(values) for values in zip(*found, strict=True))
    return clocks[len(clocks) // 2], clocks[-1], computed[len(computed) // 2]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"
