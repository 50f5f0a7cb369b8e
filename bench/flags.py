"""Evaluation against openfeature-flagd-core in the same run; a set of 10,000 flags loaded, and one of them changed."""

import json
import time
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from sqlalchemy import text

from bench import following
from bench.house import in_turns, server, table
from dashboard.flags.flagset import FlagSet, ReadyFlag
from dashboard.flags.imports import ensure_environment
from dashboard.flags.ledger import announce
from dashboard.flags.rules import Definition
from dashboard.store import db
from tests.conftest import close, make_app

FLAGS, MANY, ROUNDS = 200, 10_000, 9
VARIANTS = {"on": True, "off": False}
PEOPLE = [
    {"targetingKey": f"user-{number}", "email": f"u{number}@{'shop' if number % 3 else 'other'}.example",
     "plan": ("free", "pro")[number % 2], "country": ("de", "at", "fr")[number % 3], "version": f"2.{number}.0"}
    for number in range(50)
]  # fmt: skip
FILL = """
insert into flag (key, description, type, kind, owner, tags, version, created_by)
select 'flag-' || lpad(cast(number as text), 5, '0'), '', 'boolean', 'release', '', '{}', 1, 'bench'
  from generate_series(1, :many) number
"""
SET = """
insert into flag_setting (flag_id, environment_id, enabled, variants, default_variant, targeting, flag_metadata,
                          version, updated_by)
select id, :place, true, cast(:variants as json), 'off',
       cast(replace(:rule, 'seed', key) as json), cast('{}' as json), 1, 'bench'
  from flag
 where key like 'flag-%'
"""


def rule(seed: str) -> dict[str, Any]:
    """Who is staff, or pays and lives in two countries, takes part in a split; others by version."""
    split = {"fractional": [{"cat": [seed, {"var": "targetingKey"}]}, ["on", 25], ["off", 75]]}
    pays = {"and": [{"==": [{"var": "plan"}, "pro"]}, {"in": [{"var": "country"}, ["de", "at"]]}]}
    staff = {"ends_with": [{"var": "email"}, "@shop.example"]}
    return {"if": [pays, split, staff, "on", {"sem_ver": [{"var": "version"}, ">=", "2.30.0"]}, "on", "off"]}


def evaluations() -> list[tuple[str, str, str]]:
    """Targeted flags a second of CPU time, ours with the answer encoded."""
    keys = [f"flag-{number}" for number in range(FLAGS)]
    core = FlagdCore()
    flags = {
        key: {"state": "ENABLED", "variants": VARIANTS, "defaultVariant": "off", "targeting": rule(key)} for key in keys
    }
    core.set_flags(json.dumps({"flags": flags}))
    ready = {key: ReadyFlag(key, "boolean", Definition(True, VARIANTS, "off", rule(key))) for key in keys}
    ours = FlagSet("bench", "1", ready)
    ours.warm()
    asked = [
        EvaluationContext(one["targetingKey"], {k: v for k, v in one.items() if k != "targetingKey"}) for one in PEOPLE
    ]

    def theirs() -> None:
        for one in asked:
            for key in keys:
                core.resolve_boolean_value(key, False, one)

    bulk = ours.bulk
    mine = lambda: [bulk.written(bulk.answers(ours.context(one, 0))) for one in PEOPLE]  # noqa: E731
    taken = in_turns((theirs, mine), ROUNDS, time.thread_time)
    a_second = [FLAGS * len(PEOPLE) / seconds for seconds in taken]
    names = ("openfeature-flagd-core", "ours")
    return [(name, f"{rate:,.0f}", f"{rate / a_second[0]:.1f}") for name, rate in zip(names, a_second, strict=True)]


def fill(app: Flask, slug: str = "bench") -> None:
    with app.app_context():
        place = ensure_environment(slug)
        db.session.execute(text(FILL), {"many": MANY})
        values = {"place": place.id, "variants": json.dumps(VARIANTS), "rule": json.dumps(rule("seed"))}
        db.session.execute(text(SET), values)
        announce([place.id])
        db.session.commit()
        db.session.execute(text("analyze flag, flag_setting"))
        db.session.commit()


def main() -> None:
    print(f"\n### {FLAGS} targeted flags for {len(PEOPLE)} people\n")
    print(table(("engine", "flags a second", "times"), evaluations()))
    with server() as running:
        running.ensure_database("store_flags", "pilothouse")
        app = make_app(running, "store_flags")
        try:
            with app.app_context():
                upgrade()
            fill(app)
            print(f"\n### A set of {MANY:,} targeted flags\n")
            print(table(("what", "median", "longest", "of it computed here"), following.measured(app, MANY)))
        finally:
            close(app)


if __name__ == "__main__":
    main()
