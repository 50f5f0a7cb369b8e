"""The list of 10,000 flags in three environments against a page with nothing on it, in one run and in turns."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from jinja2 import ChoiceLoader, DictLoader
from sqlalchemy import text

from bench.house import in_turns, server, table
from bench.pages import BARE
from dashboard import web
from dashboard.flags import list_kept
from dashboard.flags.imports import ensure_environment
from dashboard.flags.rank import rank
from dashboard.security.guards import requires
from dashboard.store import db
from tests.conftest import close, make_app
from tests.people import sign_in

MANY, ROUNDS, FIRST_ROUNDS, BUDGET = 10_000, 21, 9, 3.0
PATHS = (
    "", "?page=150", "?sort=updated_at", "?sort=seen_at", "?sort=evaluations", "?sort=created_at", "?q=checkout",
    "?state=partly", "?state=off&environment=production", "?kind=experiment", "?owner=team-3", "?tag=tag-7",
    "?stale=any", "?stale=unknown",
)  # fmt: skip
FOR_ALL = ("", "?sort=seen_at", "?sort=evaluations", "?stale=any")
FILL = """
insert into flag (key, description, type, kind, owner, tags, version, created_by, created_at, changed_at, changed_by,
                  expected_life_d)
select (array['checkout', 'search', 'basket', 'login'])[1 + n % 4] || '-' || lpad(cast(n as text), 5, '0'),
       'What people see when they do the thing of number ' || n || ', and until when it is needed',
       'boolean',
       (array['release', 'experiment', 'operational', 'kill_switch', 'permission'])[1 + n % 5],
       'team-' || n % 20, array['tag-' || n % 50, 'tag-' || n % 7], 1, 'bench',
       now() - n * interval '20 minutes', now() - (n * 7919 % 10000) * interval '10 minutes', 'bench',
       case when n % 5 < 2 then 40 end
  from generate_series(1, :many) n
"""
SET = """
insert into flag_setting (flag_id, environment_id, enabled, variants, default_variant, targeting, flag_metadata,
                          version, updated_by, reach, outcome, settled_at, created_at, updated_at)
select f.id, e.id, f.id % 3 > 0, cast('{"on": true, "off": false}' as json), 'off',
       case when f.id % 3 = 2 then cast('{"if": [{"==": [{"var": "plan"}, "pro"]}, "on"]}' as json) end,
       cast('{}' as json), 1, 'bench', (array['off', 'on', 'partly'])[1 + f.id % 3],
       case when f.id % 3 < 2 then md5(cast(f.id % 3 as text)) end, f.changed_at, f.created_at, f.changed_at
  from flag f, environment e
"""
USE = """
insert into flag_usage (environment_id, flag_key, slot, variant, reason, api_key_id, count, bulk_count)
select e.id, f.key, date_trunc('hour', now()) - hour * interval '1 hour', 'off', 'STATIC', 1, f.id % 97 + hour, 0
  from flag f, environment e, generate_series(0, 23) hour
 where f.id % 4 > 0
"""
SEEN = """
insert into flag_seen (environment_id, flag_key, first_at, seen_at, single_at)
select e.id, f.key, now() - interval '80 days', now() - (f.id % 60) * interval '1 day',
       now() - (f.id % 60) * interval '1 day'
  from flag f, environment e
"""


def fill(app: Flask) -> None:
    with app.app_context():
        for slug in ("development", "staging", "production"):
            ensure_environment(slug)
        db.session.execute(text(FILL), {"many": MANY})
        for statement in (SET, USE, SEEN):
            db.session.execute(text(statement))
        db.session.commit()
        db.session.execute(text("analyze flag, flag_setting, flag_usage, flag_seen"))
        db.session.commit()


def rank_all(app: Flask) -> None:
    """As the worker does each minute."""
    with app.app_context():
        rank(datetime.now(UTC))
        db.session.commit()


def add_bare(app: Flask) -> None:
    """`/bare`: the shell of every page of flags, signed in, with an empty main."""

    @requires("viewer")
    def bare() -> Any:
        return web.page("bare.html", section="flags")

    app.jinja_loader = ChoiceLoader([DictLoader({"bare.html": BARE}), app.jinja_loader])  # type: ignore[list-item]
    app.add_url_rule("/bare", "bare", bare)


def forgetting(app: Flask, browser: Any, path: str) -> Any:
    """As the first one of a minute, or after a change, looks: nothing of all flags is kept in the process."""
    app.extensions.pop(list_kept.EXTENSION, None)
    return browser.get(f"/flags{path}")


def measured(app: Flask) -> list[tuple[str, str, str, str, str]]:
    """The usual looks, then the first ones: those forget what the others are to find kept."""
    browser = sign_in.__wrapped__()(app, "operator")
    usual = [(f"/flags{path}", lambda path=path: browser.get(f"/flags{path}")) for path in PATHS]
    first = [(f"/flags{path}, first look", lambda path=path: forgetting(app, browser, path)) for path in FOR_ALL]
    rank_all(app)
    found = against_bare(browser, usual, ROUNDS)
    rank_all(app)
    return [*found, *against_bare(browser, first, FIRST_ROUNDS)[1:]]


def against_bare(
    browser: Any, named: list[tuple[str, Callable[[], Any]]], rounds: int
) -> list[tuple[str, str, str, str, str]]:
    looks: list[tuple[str, Callable[[], Any]]] = [("bare", lambda: browser.get("/bare")), *named]
    for name, look in looks:
        if (status := look().status_code) != 200:
            raise SystemExit(f"{name}: {status}")
    medians = in_turns([look for _, look in looks], rounds)
    rows = []
    for (name, look), median in zip(looks, medians, strict=True):
        times = median / medians[0]
        held = "" if name == "bare" else "holds" if times <= BUDGET else "missed"
        size = f"{len(gzip.compress(look().data, 6)) / 1000:.1f} kB"
        rows.append((name, f"{median * 1000:.1f} ms", f"{times:.2f}", size, held))
    return rows


def main() -> None:
    with server() as running:
        running.ensure_database("store_flag_list", "pilothouse")
        app = make_app(running, "store_flag_list")
        try:
            with app.app_context():
                upgrade()
            add_bare(app)
            fill(app)
            print(f"\n### The list of {MANY:,} flags in three environments\n")
            print(table(("page", "p50", "times bare", "gzip", f"budget {BUDGET:.0f}"), measured(app)))
        finally:
            close(app)


if __name__ == "__main__":
    main()
