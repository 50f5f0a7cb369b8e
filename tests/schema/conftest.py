"""Collections of the target's schema, as many minutes ago as wanted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from dashboard.schema.collect import PROBE, collect
from dashboard.store import db
from dashboard.targets.collection import Collection
from dashboard.targets.connect import address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.queries import target_by_slug
from dashboard.targets.states import keep_probe_state

Collect = Callable[..., Collection]


@pytest.fixture
def collected(app: Flask, target: Target) -> Collect:
    """`collected(ago=timedelta(hours=25))` stores a collection as of then; without it as of now."""

    def stored(ago: timedelta = timedelta(0)) -> Collection:
        with app.app_context():
            slot = datetime.now(UTC) - ago
            row = target_by_slug("shop")
            with reading(address_of(row)) as reader:
                collection = Collection(row, slot, slot, reader)
                collect(collection)
            keep_probe_state(
                row.id, PROBE, tried_at=slot, ended_at=slot, rows=collection.rows, reason=collection.reason
            )
            db.session.commit()
            return collection

    return stored
