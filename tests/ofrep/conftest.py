"""An app with a store of its own, flags imported from a flagd document, and keys that applications use."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from dashboard.embedded import Server
from dashboard.flags import live
from dashboard.flags.flagset import ReadyFlag
from dashboard.flags.imports import ensure_environment, import_document
from dashboard.flags.rules import Definition
from dashboard.security.models import ApiKey
from dashboard.security.sessions import hash_of
from dashboard.security.tokens import new_key
from dashboard.store import db
from tests.conftest import close, make_app, run_sql

DOCUMENT = """{
  "metadata": {"flagSetId": "shop"},
  "$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@shop.example"]}},
  "flags": {
    "plain": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"},
    "zero": {"state": "ENABLED", "variants": {"no": false}, "defaultVariant": "no", "targeting": {}},
    "whole": {"state": "ENABLED", "variants": {"a": 7}, "defaultVariant": "a"},
    "fraction": {"state": "ENABLED", "variants": {"a": 1.0, "b": 1e20}, "defaultVariant": "a"},
    "text": {"state": "ENABLED", "variants": {"a": "Zürich"}, "defaultVariant": "a"},
    "thing": {"state": "ENABLED", "variants": {"a": {"b": 1, "a": 0.0}}, "defaultVariant": "a"},
    "in-code": {"state": "ENABLED", "variants": {"on": true}},
    "asleep": {"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on", "targeting": {"nope": 1},
               "metadata": {"team": "search"}},
    "staff": {"state": "ENABLED", "variants": {"true": 1, "false": 2}, "targeting": {"$ref": "staff"}},
    "chosen": {"state": "ENABLED", "variants": {"a": 1, "b": 2}, "defaultVariant": "a",
               "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "b"]}},
    "null-code": {"state": "ENABLED", "variants": {"a": 1}, "targeting": {"if": [false, "a"]}},
    "split": {"state": "ENABLED", "variants": {"a": 1, "b": 2}, "targeting": {"fractional": [["a", 50], ["b", 50]]}},
    "elsewhere": {"state": "ENABLED", "variants": {"a": 1}, "targeting": {"cat": ["nowhere"]}},
    "unknown-op": {"state": "ENABLED", "variants": {"a": 1}, "targeting": {"nope": [1]}},
    "unknown-ref": {"state": "ENABLED", "variants": {"a": 1}, "targeting": {"$ref": "nobody"}}
  }
}"""


class Application:
    """What an application does: asks with its key."""

    def __init__(self, app: Flask, key: str) -> None:
        self.app, self.key, self.client = app, key, app.test_client()

    def post(self, path: str, context: Any = None, **kwargs: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"} | kwargs.pop("headers", {})
        if "data" not in kwargs:
            kwargs["json"] = {"context": context or {}}
        return self.client.post(path, headers=headers, **kwargs)

    def flag(self, key: str, context: Any = None, **kwargs: Any) -> Any:
        return self.post(f"/ofrep/v1/evaluate/flags/{key}", context, **kwargs)

    def bulk(self, context: Any = None, **kwargs: Any) -> Any:
        return self.post("/ofrep/v1/evaluate/flags", context, **kwargs)

    def document(self, slug: str = "staging", **headers: str) -> Any:
        headers = {"Authorization": f"Bearer {self.key}"} | headers
        return self.client.get(f"/flags/v1/{slug}/flags.json", headers=headers)


def add_key(slug: str, **kwargs: Any) -> str:
    key = new_key("flags")
    environment = ensure_environment(slug)
    row = {"name": "test", "prefix": key[:12], "key_hash": hash_of(key), "kind": "flags", "created_by": "test"}
    db.session.add(ApiKey(**row, environment_id=environment.id, **kwargs))
    db.session.commit()
    return key


def until(true: Callable[[], Any], within_s: float = 5.0) -> Any:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not become true")


@contextmanager
def store_away(server: Server, app: Flask) -> Iterator[None]:
    """The app's store ends its connections and takes no new ones."""
    name = app.config["SQLALCHEMY_DATABASE_URI"].rsplit("/", 1)[1].partition("?")[0]
    with server.connect() as connection:
        connection.execute(f"alter database {name} with allow_connections false".encode())
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
        try:
            yield
        finally:
            connection.execute(f"alter database {name} with allow_connections true".encode())


def imported(app: Flask) -> Flask:
    with app.app_context():
        import_document(DOCUMENT, "staging")
        db.session.commit()
    return app


@pytest.fixture(scope="session")
def untouched(server: Server, store_template: str) -> Iterator[Flask]:
    """One app for every test that only asks."""
    run_sql(server, "create database {} template {} owner pilothouse", "store_flags", store_template)
    app = imported(make_app(server, "store_flags"))
    yield app
    live.stop(app)
    close(app)


@pytest.fixture(scope="session")
def application(untouched: Flask) -> Application:
    with untouched.app_context():
        return Application(untouched, add_key("staging"))


@pytest.fixture
def served(cloned_store: Flask) -> Iterator[Flask]:
    """An app of its own for a test that changes flags."""
    yield imported(cloned_store)
    live.stop(cloned_store)


@pytest.fixture
def changing(served: Flask) -> Application:
    with served.app_context():
        return Application(served, add_key("staging"))


@contextmanager
def over_http(app: Flask) -> Iterator[str]:
    """Where it is asked from outside of this process."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def address(untouched: Flask) -> Iterator[str]:
    with over_http(untouched) as address:
        yield address


@pytest.fixture
def broken(untouched: Flask) -> Iterator[str]:
    """A flag in the live set whose answer cannot be written."""
    (flags,) = [found.flags for found in live.of(untouched).sets().values() if found.environment == "staging"]
    assert isinstance(flags, dict)
    flags["broken"] = ReadyFlag("broken", "object", Definition(True, {"on": object()}, "on"))
    yield "broken"
    del flags["broken"]
