"""Gentle traffic on the demo shop, steered by its flags through the OpenFeature client, until the process is ended."""

import logging
import random
import time
from collections.abc import Callable

import psycopg
from flask import Flask
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from sqlalchemy.exc import SQLAlchemyError

from dashboard.demo import shop, traffic
from dashboard.demo.queries import is_installed
from dashboard.demo.traffic import Wishes
from dashboard.embedded import Server
from dashboard.settings import Settings

log = logging.getLogger(__name__)

DOMAIN = "demo"
BUSY_SHARE = 0.12
BEAT_S, FLAGS_S, REPORT_S, TRIM_S = 1.0, 5.0, 60.0, 300.0
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
REMOVED_S = 60.0
MOST_VISITS = 20


def run(app: Flask, *, until: Callable[[], bool] = lambda: False) -> None:
    """Until SIGTERM ends the process. Rests while the demo is removed, and backs off while its database is down."""
    logging.getLogger("openfeature").setLevel(logging.CRITICAL)  # flags may be away; the defaults serve
    pause_s = SHORTEST_PAUSE_S
    while not until():
        if not _installed(app):
            time.sleep(REMOVED_S)
            continue
        began_s = time.monotonic()
        try:
            serve(app.extensions["pilothouse_server"], flags_client(app), until=until)
        except psycopg.Error as error:
            log.warning("the demo shop's database does not answer: %s", type(error).__name__)
        if time.monotonic() - began_s > LONGEST_PAUSE_S:
            pause_s = SHORTEST_PAUSE_S
        time.sleep(pause_s)
        pause_s = min(LONGEST_PAUSE_S, pause_s * 2)


def serve(
    server: Server, client: OpenFeatureClient, *, until: Callable[[], bool], dice: random.Random | None = None
) -> None:
    """Visits at the pace of the flags, busy for an eighth of the time at most. Raises psycopg.Error."""
    dice = dice or random.Random()
    wishes, due = Wishes(), {"flags": 0.0, "report": 0.0, "trim": 0.0}
    with server.connect(shop.DATABASE, shop.OWNER) as connection:
        connection.execute("SET application_name = 'shop'")
        connection.execute("SET statement_timeout = '5s'")
        while not until():
            began_s = time.monotonic()
            if began_s >= due["flags"]:
                wishes, due["flags"] = wished(client), began_s + FLAGS_S
            work_s = time.monotonic()
            for _ in range(wishes.level):
                traffic.visit(connection, wishes, dice)
            if began_s >= due["report"]:
                traffic.report(connection)
                due["report"] = began_s + REPORT_S
            if began_s >= due["trim"]:
                traffic.trim(connection)
                due["trim"] = began_s + TRIM_S
            busy_s = time.monotonic() - work_s
            time.sleep(max(BEAT_S - busy_s, busy_s / BUSY_SHARE - busy_s))


def wished(client: OpenFeatureClient) -> Wishes:
    """What the flags say now; what they do not say is as it would be without flags."""
    usual, visitor = Wishes(), EvaluationContext(targeting_key="demo-load")
    level = client.get_integer_value("load-level", usual.level, visitor)
    return Wishes(
        fast_search=client.get_boolean_value("checkout-fast-search", usual.fast_search, visitor),
        recommendations=client.get_string_value("recommendations", usual.recommendations, visitor),
        level=min(MOST_VISITS, max(0, level)),
    )


def flags_client(app: Flask) -> OpenFeatureClient:
    """Asks our own web process over OFREP, as any application would."""
    settings: Settings = app.extensions["pilothouse_settings"]
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 - read, not bound
    file = shop.key_file(app.extensions["pilothouse_server"])
    provider = OFREPProvider(
        f"http://{host}:{settings.port}",
        headers_factory=lambda: {"Authorization": f"Bearer {file.read_text().strip()}"} if file.exists() else {},
        timeout=2.0,
    )
    provider.session.trust_env = False  # a proxy of the machine has no business between us and ourselves
    api.set_provider(provider, DOMAIN)
    return api.get_client(DOMAIN)


def _installed(app: Flask) -> bool:
    try:
        with app.app_context():
            return is_installed()
    except SQLAlchemyError as error:
        log.warning("the store does not say whether the demo is there: %s", type(error).__name__)
        return False
