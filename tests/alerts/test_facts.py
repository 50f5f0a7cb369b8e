"""What alerts look at is what a real collection stored."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from dashboard.alerts.facts import target_facts
from dashboard.alerts.rules import TargetFacts
from dashboard.jobs import COLLECTORS
from dashboard.targets.run import collect_target


def facts(app: Flask, at: datetime) -> TargetFacts:
    with app.app_context():
        (one,) = target_facts(at, {})
        return one


@pytest.fixture
def collected(cloned_store: Flask, target_db: Any, watch: Callable[..., int]) -> Flask:
    target_id = watch(cloned_store, target_db)
    with cloned_store.app_context():
        collect_target(target_id, datetime.now(UTC), COLLECTORS, by_hand=True)
    return cloned_store


def test_a_collection_gives_every_rule_its_facts_until_they_are_old(collected: Flask) -> None:
    known = facts(collected, datetime.now(UTC))
    assert known.connections_max
    assert (known.blocked, known.slow, known.lags_s, known.slots) == (0, [], {}, [])
    assert set(known.id_shares or {}) == {"transaction", "multixact"}
    assert all(0 <= share < 0.1 for share in (known.id_shares or {}).values())
    old = facts(collected, datetime.now(UTC) + timedelta(hours=3))
    assert (old.connections, old.blocked, old.slow, old.lags_s, old.slots, old.id_shares) == (None,) * 6
