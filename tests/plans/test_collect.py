"""Plans of the busiest queries are taken by themselves: hourly, after a change, within a budget."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.changes.record import record
from dashboard.plans import collect
from dashboard.plans.models import Plan, PlanCapture, PlanQuestion
from dashboard.plans.queries import newest_plans, plan_changes, refusals
from dashboard.statements.models import StatementReading, StatementSample
from dashboard.store import db
from tests.collections import collecting
from tests.plans.conftest import Shop

NOW = datetime.now(UTC)
BUSY, BUSIER, HIDDEN = "select * from orders where customer_id = $1", "select * from orders", "select * from kept"


@pytest.fixture
def busy(shop: Shop) -> dict[str, int]:
    """The ids of three families that took time in the last hours, of one that did not, and of one without a plan."""
    shop.database.execute("create table if not exists kept (id int)")
    shop.database.execute(f"revoke all on kept from {shop.explainer}")
    texts = {BUSY: 50.0, BUSIER: 500.0, HIDDEN: 5.0, "select 'idle'": 0.0, "vacuum orders": 900.0}
    ids = {text: shop.family(text) for text in texts}
    with shop.app.app_context():
        db.session.add(reading(shop.target_id))
        for text, total_ms in texts.items():
            if total_ms:
                db.session.add(sample(shop.target_id, ids[text], total_ms))
        db.session.commit()
    return ids


def reading(target_id: int) -> StatementReading:
    """The one that the samples belong to."""
    at = NOW - timedelta(hours=2)
    counts = dict.fromkeys(("entries", "hidden_entries", "hidden_ms", "hidden_total_ms"), 0)
    return StatementReading(
        target_id=target_id, slot=at, since=at, is_complete=True, read_at=at, epoch="1/1/", **counts
    )  # fmt: skip


def sample(target_id: int, family_id: int, total_ms: float) -> StatementSample:
    columns = StatementSample.__table__.columns
    numbers = {column.name: 1 for column in columns if not column.nullable}
    key = {"target_id": target_id, "slot": NOW - timedelta(hours=2), "family_id": family_id, "total_ms": total_ms}
    return StatementSample(**(numbers | key))


@pytest.fixture
def captured(shop: Shop) -> Callable[..., Any]:
    return collecting(shop.app, collect)


def plans(store: Session) -> dict[int, int]:
    """How many plans each family has."""
    store.expire_all()
    found = list(store.scalars(select(Plan.family_id)))
    return {family_id: found.count(family_id) for family_id in found}


def test_the_busiest_are_planned_and_refusals_kept(
    shop: Shop, busy: dict[str, int], captured: Any, store: Session
) -> None:
    assert captured().rows == 2
    assert plans(store) == {busy[BUSY]: 1, busy[BUSIER]: 1}
    taken = store.scalars(select(PlanCapture)).one()
    assert (taken.planned, taken.refused, taken.is_cut) == (2, 1, False)
    with shop.app.app_context():
        assert list(newest_plans(shop.target_id, busy.values())) == [busy[BUSY], busy[BUSIER]]
        assert "may not read" in refusals(shop.target_id, busy.values())[busy[HIDDEN]]
    question = store.get_one(PlanQuestion, busy[HIDDEN])
    assert question.remedy_sql == f'GRANT SELECT ON "public"."kept" TO "{shop.explainer}";'


@pytest.mark.usefixtures("busy")
def test_within_the_hour_nothing_is_asked_again(captured: Any, store: Session) -> None:
    captured(timedelta(minutes=50))
    captured()
    assert store.scalars(select(PlanCapture.captured_at)).one() < datetime.now(UTC) - timedelta(minutes=45)


def test_after_an_hour_the_same_plan_goes_on_and_a_refusal_waits(
    busy: dict[str, int], captured: Any, store: Session
) -> None:
    captured(timedelta(minutes=70))
    captured()
    assert plans(store) == {busy[BUSY]: 1, busy[BUSIER]: 1}
    assert store.scalars(select(PlanCapture)).one().refused == 0
    assert store.get_one(PlanQuestion, busy[HIDDEN]).asked_at < datetime.now(UTC) - timedelta(minutes=65)


def test_a_change_makes_plans_be_taken_anew_and_the_change_of_plan_is_told(
    shop: Shop, busy: dict[str, int], captured: Any, store: Session
) -> None:
    captured(timedelta(minutes=30))
    with shop.app.app_context():
        at = NOW - timedelta(minutes=10)
        record("index", "orders_customer was dropped", subject="orders_customer", target_id=shop.target_id, at=at)
        db.session.commit()
    with shop.changed("drop index orders_customer", "create index orders_customer on orders (customer_id)"):
        captured()
    assert plans(store) == {busy[BUSY]: 2, busy[BUSIER]: 1}
    with shop.app.app_context():
        (change,) = plan_changes(shop.target_id, NOW - timedelta(hours=1), datetime.now(UTC))
    assert (change.family_id, change.cost_after > change.cost_before) == (busy[BUSY], True)


@pytest.mark.usefixtures("busy")
def test_a_locked_table_delays_nobody(shop: Shop, captured: Any, store: Session) -> None:
    with shop.database.server.connect(shop.database.name) as other, other.transaction():
        other.execute("lock table orders in access exclusive mode")
        began = datetime.now(UTC)
        captured()
    assert datetime.now(UTC) - began < timedelta(seconds=4)
    assert sorted(filter(None, store.scalars(select(PlanQuestion.sqlstate)))) == ["42501", "55P03", "55P03"]


@pytest.mark.usefixtures("busy")
def test_a_budget_that_is_used_up_leaves_the_rest_for_next_time(
    captured: Any, store: Session, monkeypatch: Any
) -> None:
    monkeypatch.setattr(collect, "MOST_S", -1.0)
    captured()
    taken = store.scalars(select(PlanCapture)).one()
    assert (taken.planned, taken.is_cut) == (0, True)


@pytest.mark.usefixtures("busy")
def test_without_opting_in_nothing_is_asked(captured: Any, store: Session, opt_out: Callable[[], None]) -> None:
    opt_out()
    assert (captured().rows, captured().reason) == (0, None)
    assert plans(store) == {}


@pytest.mark.usefixtures("busy")
def test_a_role_that_cannot_sign_in_does_not_make_the_target_unreachable(shop: Shop, captured: Any) -> None:
    with shop.changed(f"alter role {shop.explainer} nologin", f"alter role {shop.explainer} login"):
        reason = captured().reason
    assert reason.startswith("The explaining role cannot ask: The server refused the sign-in")
