"""What we run to explain statements is counted by the server, and is nobody's query."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.plans import ask
from dashboard.plans.forms import Wish
from dashboard.statements.collect import collect
from dashboard.statements.models import StatementEntry, StatementReading
from dashboard.store import db
from dashboard.targets.collection import Collection
from dashboard.targets.connect import address_of, reading
from dashboard.targets.models import TargetLogin
from dashboard.targets.queries import target_by_slug
from dashboard.targets.secrets import seal
from dashboard.targets.steer import rights_of
from tests.people import SECRET_KEY
from tests.plans.conftest import PASSWORD, Shop

COUNTED = "select count(*) from pg_stat_statements s join pg_roles r on r.oid = s.userid where r.rolname = %s"


@pytest.fixture
def read(app: Flask, shop: Shop) -> Callable[[int], None]:
    """`read(1)` stores the reading of the first minute."""
    start = datetime.now(UTC).replace(second=0, microsecond=0)

    def stored(minute: int) -> None:
        with app.app_context():
            target, slot = target_by_slug("shop"), start + timedelta(minutes=minute)
            with reading(address_of(target)) as reader:
                collect(Collection(target, slot, slot, reader))
            db.session.commit()

    return stored


def explain(app: Flask) -> None:
    with app.app_context():
        ask.plan(target_by_slug("shop"), "select count(*) from orders where customer_id = $1", Wish("generic"))


def roles(store: Session) -> set[str]:
    store.expire_all()
    return set(store.scalars(select(StatementEntry.username)))


def test_statements_of_the_explaining_role_are_left_out(
    app: Flask, shop: Shop, store: Session, read: Callable[[int], None]
) -> None:
    read(0)
    explain(app)
    read(1)
    assert shop.database.execute(COUNTED, (shop.explainer,))[0][0] > 0
    assert "postgres" in roles(store)
    assert not [role for role in roles(store) if role.startswith(("watch_", "explain_"))]
    assert set(store.scalars(select(StatementReading.own_role))) == {f"watch_{shop.database.name}, {shop.explainer}"}


def test_statements_of_the_steering_role_are_left_out(
    app: Flask, shop: Shop, store: Session, read: Callable[[int], None]
) -> None:
    ops = f"steer_{shop.database.name}"
    created = f"create role {ops} login password '{PASSWORD}' in role pg_signal_backend, pg_read_all_stats"
    with shop.changed(created, f"drop role {ops}"):
        with app.app_context():
            login = TargetLogin(target_id=shop.target_id, purpose="steer", username=ops)
            db.session.add(login)
            db.session.flush()
            login.sealed_password = seal(PASSWORD, SECRET_KEY, login_id=login.id, purpose="steer")
            db.session.commit()
            assert rights_of(target_by_slug("shop")).grants == []
        read(0)
        assert shop.database.execute(COUNTED, (ops,))[0][0] > 0
        app.extensions["pilothouse_target_pools"].close()
    assert ("postgres" in roles(store), ops in roles(store)) == (True, False)
    assert ops in str(store.scalars(select(StatementReading.own_role)).one())


def test_a_role_that_owns_tables_is_not_ours_alone(
    app: Flask, shop: Shop, store: Session, read: Callable[[int], None]
) -> None:
    explain(app)
    with shop.changed(
        f"create table explained (); alter table explained owner to {shop.explainer}", "drop table explained"
    ):
        read(0)
    assert shop.explainer in roles(store)


def test_opting_out_ends_the_comparison_and_invents_no_number(
    app: Flask, shop: Shop, store: Session, read: Callable[[int], None], opt_out: Callable[[], None]
) -> None:
    read(0)
    opt_out()
    read(1)
    told = store.scalars(select(StatementReading).order_by(StatementReading.slot)).all()
    assert [one.own_role for one in told] == [
        f"watch_{shop.database.name}, {shop.explainer}",
        f"watch_{shop.database.name}",
    ]
    assert (told[1].since, told[1].is_complete) == (None, False)
