"""Serving 200 flags: our OFREP views beside a bare Flask view that reads the same body and answers the same bytes."""

import io
import json
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from flask import Flask
from flask_migrate import upgrade

from bench import hostile
from bench.bare import bare
from bench.house import server, table
from bench.over_http import over_http
from dashboard.flags import live, usage
from dashboard.flags.imports import ensure_environment, import_document
from dashboard.security.models import ApiKey
from dashboard.security.sessions import hash_of
from dashboard.security.tokens import new_key
from dashboard.store import db
from tests.conftest import close, make_app

FLAGS = 200
ROUNDS, CALLS, PEOPLE = 41, 100, 5_000
CONTEXT = {"targetingKey": "user-4711", "plan": "pro", "country": "CH", "email": "a@shop.example"}
BULK = "/ofrep/v1/evaluate/flags"
SINGLE = f"{BULK}/flag-101"
FRESH = "bulk, a person that nobody asked for lately"
Ask = Callable[[], Any]


def document() -> str:
    """Half of the flags are plain, half have a rule with a rollout."""
    split = {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["on", 50], ["off", 50]]}
    rule = {"if": [{"==": [{"var": "plan"}, "pro"]}, split, {"ends_with": [{"var": "email"}, "@shop.example"]}, "on"]}
    plain = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
    flags = {f"flag-{number}": plain | ({"targeting": rule} if number % 2 else {}) for number in range(FLAGS)}
    return json.dumps({"flags": flags})


def bodies(count: int) -> Iterator[bytes]:
    """What different people's applications send, again and again."""
    return cycle([json.dumps({"context": CONTEXT | {"targetingKey": f"user-{n}"}}).encode() for n in range(count)])


def asking(
    app: Flask, path: str, headers: dict[str, str], people: int = 1, body: bytes | None = None
) -> Callable[[], tuple[int, list[tuple[str, str]], bytes]]:
    """One request through the whole app, as gunicorn makes it, without a network."""
    sent = bodies(people) if body is None else cycle([body])
    environ = {
        "REQUEST_METHOD": "POST", "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": "", "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000", "HTTP_HOST": "127.0.0.1:8000", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json", "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0), "wsgi.errors": io.StringIO(), "wsgi.multithread": True, "wsgi.multiprocess": True,
        "wsgi.run_once": False, **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }  # fmt: skip

    def ask() -> tuple[int, list[tuple[str, str]], bytes]:
        found: list[Any] = []
        body = next(sent)
        given = environ | {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        parts = app.wsgi_app(given, lambda *told: found.extend(told))  # type: ignore[arg-type]
        content = b"".join(parts)
        getattr(parts, "close", lambda: None)()
        return int(found[0][:3]), found[1], content

    return ask


def cost_us(asks: list[Callable[[], Any]]) -> list[float]:
    """CPU microseconds of a request of each, taken in turns: the median of the rounds."""
    taken: list[list[float]] = [[] for _ in asks]
    for _ in range(ROUNDS):
        for mine, ask in zip(taken, asks, strict=True):
            began = time.thread_time()
            for _ in range(CALLS):
                ask()
            mine.append((time.thread_time() - began) / CALLS * 1e6)
    return [statistics.median(times) for times in taken]


def served(app: Flask) -> str:
    """The flags are loaded; an API key."""
    key = new_key("flags")
    with app.app_context():
        import_document(document(), "bench")
        place = ensure_environment("bench").id
        row = {"name": "bench", "prefix": key[:12], "key_hash": hash_of(key), "kind": "flags", "created_by": "bench"}
        db.session.add(ApiKey(**row, environment_id=place))
        db.session.commit()
        live.state()
        time.sleep(2)
    return key


class Uncounted:
    """In the place of what counts evaluations."""

    def single(self, *_: object) -> None: ...

    bulk = again = unchanged = single


def with_usage(app: Flask, counting: object, ask: Ask) -> Ask:
    """The same request while this counts."""

    def asked() -> Any:
        app.extensions[usage.EXTENSION] = counting
        return ask()

    return asked


def counting_us(app: Flask, ask: Ask) -> float:
    counted = app.extensions[usage.EXTENSION]
    on, off = cost_us([with_usage(app, counted, ask), with_usage(app, Uncounted(), ask)])
    app.extensions[usage.EXTENSION] = counted
    return on - off


def measured(app: Flask, key: dict[str, str]) -> str:
    """Without a network."""
    ours = {path: asking(app, path, key) for path in (BULK, SINGLE)}
    plain = bare(answers_of(app, key))
    fresh = asking(app, BULK, key, PEOPLE)
    asked = (("bulk", BULK, ours[BULK], 1), ("single", SINGLE, ours[SINGLE], 1), (FRESH, BULK, fresh, PEOPLE))
    rows = []
    for name, path, ask, people in asked:
        taken, bare_taken = cost_us([ask, asking(plain, path, key, people)])
        ratio, counting = f"{bare_taken / taken:.2f}", f"{counting_us(app, ask):+.1f} µs"
        rows.append((name, f"{taken:.0f} µs", f"{bare_taken:.0f} µs", ratio, counting))
    unchanged = asking(app, BULK, key | {"If-None-Match": dict(ours[BULK]()[1])["ETag"]})
    taken, whole = cost_us([unchanged, ours[BULK]])
    rows.append(
        ("304", f"{taken:.0f} µs", "", f"{whole / taken:.2f} of bulk", f"{counting_us(app, unchanged):+.1f} µs")
    )
    return table(("no network", "ours", "bare view", "of its throughput", "counting"), rows)


def answers_of(app: Flask, key: dict[str, str]) -> dict[str, tuple[list[tuple[str, str]], bytes]]:
    found = {path: asking(app, path, key)() for path in (BULK, SINGLE)}
    assert {status for status, _, _ in found.values()} == {200}  # noqa: S101 - a benchmark of answers, not of errors
    return {path: (headers, body) for path, (_, headers, body) in found.items()}


def in_a_worker(app: Flask, key: dict[str, str]) -> str:
    """Over HTTP."""
    answers, one, many = answers_of(app, key), bodies(1), bodies(PEOPLE)
    known = {"If-None-Match": dict(answers[BULK][0])["ETag"]}
    asked = {
        "bulk": (BULK, {}, one.__next__, 200),
        "single": (SINGLE, {}, one.__next__, 200),
        FRESH: (BULK, {}, many.__next__, 200),
        "304": (BULK, known, one.__next__, 304),
    }
    return over_http(app, key, answers, asked)


def run_ofrep() -> None:
    with server() as running:
        running.ensure_database("store_ofrep", "pilothouse")
        app = make_app(running, "store_ofrep")
        with app.app_context():
            upgrade()
        try:
            key = {"X-API-Key": served(app)}
            print(f"{in_a_worker(app, key)}\n\n{measured(app, key)}")
            asks = {name: asking(app, BULK, key, body=body) for name, body in hostile.BODIES.items()}
            print(f"\n### Hostile bodies\n\n{hostile.measured(app, key, asks)}")
        finally:
            close(app)
