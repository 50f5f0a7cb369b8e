"""A small shop that was watched for a day: its database, and a store with what was collected of it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alembic import command
from alembic.config import Config
from flask import Flask
from sqlalchemy import create_engine, select
from sqlalchemy.pool import NullPool

from dashboard.alerts.channel_edits import add_channel
from dashboard.alerts.collect import check
from dashboard.alerts.forms import ChannelForm
from dashboard.approvals.models import ChangeRequest
from dashboard.demo import shop
from dashboard.embedded import Server
from dashboard.flags import ramp, schedules, segments
from dashboard.flags.edits import create_flag, set_in_environment, toggle
from dashboard.flags.ledger import definition_of, document_of
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.queries import cell_of, flag_by_key
from dashboard.flags.ramp import Ramp
from dashboard.flags.rules import Definition
from dashboard.flags.shared import Shared
from dashboard.jobs import COLLECTORS
from dashboard.security.edits import create_account
from dashboard.security.models import Account
from dashboard.store import db
from dashboard.targets.edits import add_target
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments
from dashboard.targets.run import collect_target

DATABASE, WATCHER, NOBODY = "journeys_shop", "journeys_watch", "journeys_nobody"
EXPLAINER = "journeys_explain"
EMAIL, PASSWORD = "ada@example.com", "seven quiet lamps on oak"
SLOWEST = "select count(*) from orders as a, orders as b where a.total_cents < b.total_cents"
FLAGS: dict[str, tuple[str, dict[str, Any]]] = {
    "fast-checkout": ("boolean", {"on": True, "off": False}),
    "theme-of-the-shop": ("string", {"plain": "plain", "festive": "festive"}),
    "limits": ("object", {"usual": {"items": 20, "per_minute": 3}, "none": {}}),
}


def make_database(server: Server) -> None:
    """The demo's schema with a hundredth of its rows."""
    server.ensure_database(DATABASE, "postgres")
    config = Config()
    config.set_main_option("script_location", str(shop.REVISIONS))
    config.set_main_option("path_separator", "os")
    with create_engine(server.url(DATABASE), poolclass=NullPool).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, shop.APPLIED)
    with server.connect(DATABASE) as connection:
        connection.execute("create extension pg_stat_statements")
        for role in (WATCHER, NOBODY, EXPLAINER):
            connection.execute(f"create role {role} login password '{server.password(role)}'".encode())
        connection.execute(f"grant pg_monitor to {WATCHER}; grant select on alembic_version to {WATCHER}".encode())
        connection.execute(f"grant select on all tables in schema public to {EXPLAINER}".encode())
        with connection.transaction():
            connection.execute(re.sub(r"(generate_series\(1, \d+)00\)", r"\1)", shop.SEED.read_text()).encode())
        connection.execute("vacuum analyze")


def visit(server: Server) -> None:
    with server.connect(DATABASE) as connection:
        connection.execute(SLOWEST.encode())
        for number in range(20):
            connection.execute("select * from products where id = %s", [number])
            connection.execute("update carts set updated_at = now() where customer_id = %s", [number])


def watch(app: Flask, server: Server) -> None:
    """Register it, collect a day ago and in the last minutes, change its schema in between, set flags."""
    with app.app_context():
        create_account(email=EMAIL, name="Ada", role="admin", password=PASSWORD)
        values = {
            "slug": "shop", "name": "Shop", "environment": "production", "host": str(server.socket_dir),
            "dbname": DATABASE, "user": WATCHER, "password": server.password(WATCHER),
            "explain_user": EXPLAINER, "explain_password": server.password(EXPLAINER),
            "migrations": str(shop.REVISIONS),
        }  # fmt: skip
        target = add_target(values, origin="command")
        db.session.commit()
        now = datetime.now(UTC)
        for ago in (timedelta(hours=25), timedelta(minutes=3), timedelta(0)):
            visit(server)
            collect_target(target.id, now - ago, COLLECTORS, by_hand=True)
            with server.connect(DATABASE) as connection:
                connection.execute("alter table carts add column if not exists note text")
        set_flags()
        ask_for_approval()
        add_channel(
            ChannelForm("On-call", "email", "", "warning", is_on=True, address="oncall@example.com", secret=None)
        )
        check(now)


def set_flags() -> None:
    """In every environment, one of them off where people may click."""
    for key, (type_, variants) in FLAGS.items():
        kind = "configuration" if type_ == "object" else "release"
        what = f"What the shop does about {key}"
        flag = create_flag(key, type_, Shared(what, kind, owner="shop team", tags=("shop",)))
        for environment in all_environments():
            set_in_environment(flag, environment, Definition(True, variants, next(iter(variants))), version=0)
    rule = {"ends_with": [{"var": "email"}, "@example.com"]}
    for environment in all_environments():
        segments.save(environment, "beta-testers", "Those who asked", {"==": [{"var": "beta"}, True]}, version=0)
        segments.save(environment, "beta-testers", "Those who asked", rule, version=1, reason="They need no account")
        segments.save(environment, "old-friends", "", {"<": [{"var": "since"}, 2020]}, version=0)
        segments.remove(environment, "old-friends", version=1, reason="Nobody asks any more")
    toggle(flag, all_environments()[0], False, version=None)
    plan_changes()
    db.session.commit()


def plan_changes() -> None:
    """One flag grows a variant in three steps where it is on, and would have been turned off elsewhere."""
    *_, staging, production = all_environments()
    flag = flag_by_key("theme-of-the-shop")
    before = definition_of(cell_of(flag, production).setting)
    begin_at = int(datetime.now(UTC).timestamp()) + 3_600
    grown = ramp.definitions(Ramp("festive", 90_000, begin_at, 3, 86_400), before, flag.key)
    named = {"version": 1, "reason": "The festive season"}
    title = "theme-of-the-shop: festive to grow to 90 %"
    schedules.plan(flag, production, schedules.steps_of(flag, grown), title=title, **named)
    steps = schedules.steps_of(flag, [(begin_at, replace(before, enabled=False))])
    cancelled = schedules.plan(flag, staging, steps, title="theme-of-the-shop to be turned off", **named)
    schedules.cancel(str(cancelled.public_id))


def ask_for_approval() -> None:
    """Ada asks for what stands on the flag as it is, and did something else in a hurry; both are still open."""
    ada = db.session.scalars(select(Account).where(Account.email == EMAIL)).one()
    wanted = select(FlagSetting).join(Flag).join(Environment)
    setting = db.session.scalars(wanted.where(Flag.key == "limits", Environment.slug == "production")).one()
    before = document_of(setting)
    asked = {
        "flag_id": setting.flag_id, "environment_id": setting.environment_id, "subject": "limits",
        "place": setting.environment.slug, "action": "flag.toggle", "before": before, "reason": "Too many carts",
        "document": before | {"state": "DISABLED"}, "base_version": setting.version, "author_id": ada.id,
        "author": ada.email,
    }  # fmt: skip
    db.session.add(ChangeRequest(title="limits turned off", **asked))
    db.session.flush()
    db.session.add(ChangeRequest(title="limits turned off in a hurry", kind="review", **asked))
    db.session.commit()


def break_target(server: Server, slug: str) -> None:
    """One more target: `away`, where nobody answers, or `poor`, whose role may do nothing but connect."""
    away = {"host": "127.0.0.1", "port": "1", "dbname": "away", "user": "watcher", "password": "x"}
    here = {"host": str(server.socket_dir), "dbname": DATABASE, "user": NOBODY, "password": server.password(NOBODY)}
    place = {"away": away, "poor": here}[slug]
    target = add_target(place | {"slug": slug, "name": slug.title(), "environment": "staging"}, origin="command")
    db.session.commit()
    collect_target(target.id, datetime.now(UTC), COLLECTORS, by_hand=True)
    check(datetime.now(UTC))
