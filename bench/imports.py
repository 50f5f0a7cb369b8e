"""A file of 10,000 flags: read, planned and written, beside the bare statements that store the same rows."""

import json
import resource
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_migrate import upgrade

from bench.house import server, table
from dashboard.flags.import_plan import plans_of
from dashboard.flags.import_reading import read_import
from dashboard.flags.imports import ensure_environment, import_document
from dashboard.store import db
from tests.conftest import close, make_app

FLAGS = 10_000
RULE = {
    "if": [
        {"==": [{"var": "plan"}, "pro"]},
        {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["on", 50], ["off", 50]]},
        {"ends_with": [{"var": "email"}, "@shop.example"]},
        "on",
    ]
}
ROWS = {
    "flag": "key, type, kind, created_by, description, owner, tags, version",
    "flag_setting": "flag_id, environment_id, enabled, variants::text, default_variant, targeting::text,"
    " flag_metadata::text, reach, outcome, updated_by, version",
    "flag_version": "flag_id, environment_id, version, document::text, author, reason",
}


def document(default: str) -> str:
    """Half of the flags have a rule with a rollout."""
    plain = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": default}
    flags = {f"flag-{number}": plain | ({"targeting": RULE} if number % 2 else {}) for number in range(FLAGS)}
    return json.dumps({"flags": flags}, indent=1)


def taken(work: Callable[[], Any]) -> tuple[float, float]:
    """Seconds by the clock, and of our own processor."""
    began, busy = time.perf_counter(), time.process_time()
    work()
    db.session.commit()
    db.session.remove()
    return time.perf_counter() - began, time.process_time() - busy


def previewed(text: str) -> None:
    plans_of([(ensure_environment("bench"), read_import(text).documents[""])])


def bare() -> float:
    """The same rows sent by psycopg alone to tables of the same shape: what storing them costs at least."""
    connection = db.engine.raw_connection()
    cursor, spent = connection.cursor(), 0.0
    for name, columns in ROWS.items():
        cursor.execute(f"create temporary table bare_{name} (like {name} including all)")
        cursor.execute(f"select {columns} from {name}")
        rows = cursor.fetchall()
        places = ", ".join(["%s"] * columns.count(",") + ["%s"])
        began = time.perf_counter()
        written = columns.replace("::text", "")
        cursor.executemany(f"insert into bare_{name} ({written}) values ({places})", rows)
        connection.commit()
        spent += time.perf_counter() - began
    connection.close()
    return spent


def measured() -> list[tuple[str, ...]]:
    off, on = document("off"), document("on")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    new = taken(lambda: import_document(off, "bench"))
    rows = [
        ("bare: the same rows sent by psycopg", (bare(), 0.0)),
        ("all new", new),
        ("preview of all changed", taken(lambda: previewed(on))),
        ("all changed", taken(lambda: import_document(on, "bench"))),
        ("nothing changed", taken(lambda: import_document(on, "bench"))),
    ]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    least = rows[0][1][0]
    found = [
        (name, f"{clock:.1f}", f"{clock / least:.1f}", f"{busy:.1f}" if busy else "") for name, (clock, busy) in rows
    ]
    return [*found, (f"memory grown by {grown} MB for a file of {len(off) / 1e6:.1f} MB", "", "", "")]


def run() -> None:
    with server() as running:
        running.ensure_database("store_imports", "pilothouse")
        app: Flask = make_app(running, "store_imports")
        try:
            with app.app_context():
                upgrade()
                print(table(("10,000 flags", "seconds", "times bare", "of our processor"), measured()))
        finally:
            close(app)


if __name__ == "__main__":
    run()
