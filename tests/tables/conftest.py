"""Collections of the target's tables, and judgements of its indexes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from dashboard.store import db
from dashboard.tables import collect, judge
from dashboard.tables.models import IndexState
from dashboard.targets.models import Target
from tests.collections import Collect, collecting


@pytest.fixture
def collected(app: Flask, target: Target) -> Collect:
    return collecting(app, collect)


@pytest.fixture
def judged(app: Flask, target: Target) -> Callable[..., Any]:
    """`judged()` collects tables and judges; `judged(watched=timedelta(days=40))` as if watched for so long."""
    tables, indexes = collecting(app, collect), collecting(app, judge)

    def once(watched: timedelta | None = None) -> Any:
        tables()
        if watched:
            with app.app_context():
                since = datetime.now(UTC) - watched
                db.session.execute(update(IndexState).values(first_seen_at=since, counted_since=since))
                db.session.commit()
        return indexes()

    return once
