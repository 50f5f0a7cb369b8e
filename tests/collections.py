"""Collections of the fixture target by one feature, as many minutes ago as wanted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from flask import Flask

from dashboard.store import db
from dashboard.targets.collection import Collection, Collector
from dashboard.targets.connect import address_of, reading
from dashboard.targets.queries import target_by_slug
from dashboard.targets.states import keep_probe_state

Collect = Callable[..., Collection]


def collecting(app: Flask, collector: Collector, slug: str = "shop") -> Collect:
    """`collected(ago=timedelta(hours=25))` stores a collection as of then; without it as of now."""

    def stored(ago: timedelta = timedelta(0)) -> Collection:
        with app.app_context():
            slot = datetime.now(UTC) - ago
            row = target_by_slug(slug)
            with reading(address_of(row)) as reader:
                collection = Collection(row, slot, slot, reader)
                collector.collect(collection)
            keep_probe_state(
                row.id, collector.PROBE, tried_at=slot, ended_at=slot, rows=collection.rows, reason=collection.reason
            )
            db.session.commit()
            return collection

    return stored
