"""Readings of the target's statements, a minute apart by their slots."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from dashboard.statements.collect import collect
from dashboard.store import db
from dashboard.targets.collection import Collection
from dashboard.targets.connect import address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.queries import target_by_slug

Read = Callable[[int], Collection]


@pytest.fixture
def read(app: Flask, target: Target) -> Read:
    """`read(3)` stores the reading of the third minute since ten minutes ago."""
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)

    def stored(minute: int) -> Collection:
        with app.app_context():
            row = target_by_slug("shop")
            slot = start + timedelta(minutes=minute)
            with reading(address_of(row)) as reader:
                collection = Collection(row, slot, slot, reader)
                collect(collection)
            db.session.commit()
            return collection

    return stored
