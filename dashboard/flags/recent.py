"""Contexts that applications sent lately, for the playground: only where an environment keeps them, for an hour.

A web process notes a few in its memory and puts them into the store every few seconds, for the others to show.
"""

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask
from flask.sansio.app import App
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from dashboard.flags.exact import read_json
from dashboard.flags.recent_models import RecentContext
from dashboard.flags.recent_rules import Notebook, Noticed
from dashboard.security.principals import principal
from dashboard.store import db
from dashboard.targets.models import Environment

log = logging.getLogger(__name__)
EXTENSION = "pilothouse_recent_contexts"
TURN = 2_011_011
KEPT = 20
MY_TURN = text("select pg_try_advisory_xact_lock(:turn)")
FORGET = text("""
    with gone as (
        delete from recent_context r
         using environment e
         where e.id = r.environment_id
           and (not e.keeps_contexts or r.seen_at < now() - interval '1 hour')
    )
    select id from environment where keeps_contexts
""")
KEEP = text("""
    insert into recent_context (environment_id, digest, context, seen_at)
    select environment_id, digest, context, clock_timestamp()
      from unnest(cast(:environment_id as bigint[]), cast(:digest as text[]), cast(:context as text[]))
           as noticed (environment_id, digest, context)
        on conflict (environment_id, digest) do update set seen_at = excluded.seen_at
""")
TRIM = text("""
    delete from recent_context r
     using (select environment_id, digest,
                   row_number() over (partition by environment_id order by seen_at desc, digest) as place
              from recent_context) ordered
     where (ordered.environment_id, ordered.digest) = (r.environment_id, r.digest) and ordered.place > :kept
""")


@dataclass(frozen=True)
class Recent:
    """A context with when it was last noticed; `written` is its JSON."""

    seen_at: datetime
    written: str

    @property
    def context(self) -> dict[str, Any]:
        return dict(read_json(self.written))

    @property
    def who(self) -> str:
        return str(self.context.get("targetingKey") or "")

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """Name and value as JSON, without the targeting key."""
        told = {name: json.dumps(value, ensure_ascii=False) for name, value in self.context.items()}
        return [(name, value) for name, value in told.items() if name != "targetingKey"]


class Recently:
    """One for each app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._notebook = Notebook()
        self.note = self._notebook.note

    def exchange(self) -> None:
        """Forget what is too old, put in what was noticed, learn which environments keep any. Each process may call it
        at any time; whose turn it is not tries again. While the store is away nothing is noticed.
        """
        assert isinstance(self._app, Flask)  # noqa: S101 - the app that this was made for
        try:
            with self._app.app_context(), db.engine.begin() as connection:
                connection.execute(text("set local statement_timeout = 5000"))
                if not connection.scalar(MY_TURN, {"turn": TURN}):
                    return
                if noticed := self._notebook.taken(connection.scalars(FORGET)):
                    columns = zip(Noticed._fields, zip(*noticed, strict=True), strict=True)
                    connection.execute(KEEP, {name: list(values) for name, values in columns})
                    connection.execute(TRIM, {"kept": KEPT})
        except (DBAPIError, PoolExhausted) as error:
            self._notebook.taken(())
            log.warning("recent contexts were not kept: %s", type(error).__name__)


def may_see(environment: Environment) -> bool:
    """They may hold personal data, so only people who may change flags there."""
    asked_by = principal()
    return asked_by is not None and asked_by.kind == "account" and asked_by.can("operator", environment.slug)


def recent_of(environment: Environment) -> list[Recent]:
    """The newest first; empty for whoever may not see them, and where none are kept."""
    if not environment.keeps_contexts or not may_see(environment):
        return []
    wanted = select(RecentContext.seen_at, RecentContext.context).where(
        RecentContext.environment_id == environment.id, RecentContext.seen_at > func.now() - text("interval '1 hour'")
    )
    rows = db.session.execute(wanted.order_by(RecentContext.seen_at.desc(), RecentContext.digest).limit(KEPT))
    return [Recent(row.seen_at, row.context) for row in rows]


def init_app(app: App) -> None:
    app.extensions[EXTENSION] = Recently(app)


def of(app: App) -> Recently:
    found: Recently = app.extensions[EXTENSION]
    return found
