"""Advice that HypoPG tried, on Debian's PostgreSQL 15 with postgresql-15-hypopg, where a machine has them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.advice.models import AdviceIndex, AdviceReason, AdviceRun
from dashboard.store import db
from dashboard.targets.models import TargetLogin
from dashboard.targets.secrets import seal
from tests.advice.conftest import ORDERS, ask_by_customer
from tests.matrix.conftest import Versioned, place
from tests.people import SECRET_KEY

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
CONTROL = Path("/usr/share/postgresql/15/extension/hypopg.control")
pytestmark = pytest.mark.skipif(
    not (PROGRAMS.exists() and CONTROL.exists()), reason="postgresql-15-hypopg is not installed"
)
ROLE = "explain_hypopg"
__all__ = ["place"]


@pytest.fixture
def postgres() -> Iterator[Versioned]:
    server = Versioned(PROGRAMS)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def opted_in(place: Any) -> Any:
    place.execute(
        "drop table if exists orders, customers, settings cascade",
        *ORDERS.split(";\n")[:-2],
        "create extension if not exists pg_stat_statements",
        "create extension hypopg",
        f"create role {ROLE} login password 'a-password-for-tests'",
        f"grant select on all tables in schema public to {ROLE}",
        "select pg_stat_force_next_flush()",
    )
    place.execute("select pg_stat_reset()")
    login = TargetLogin(purpose="explain", username=ROLE)
    place.target.logins.append(login)
    db.session.flush()
    login.sealed_password = seal("a-password-for-tests", SECRET_KEY, login_id=login.id, purpose="explain")
    db.session.commit()
    yield place
    db.session.rollback()
    place.app.extensions["pilothouse_target_pools"].close()
    place.execute(f"drop owned by {ROLE}", f"drop role {ROLE}")


def test_the_planner_confirms_an_index_before_it_is_built(opted_in) -> None:
    opted_in.collect(0)
    with opted_in.server.connect(opted_in.name) as connection:
        ask_by_customer(connection)
    outcome = opted_in.collect(1)
    assert "advice" in outcome.stored
    reasons = db.session.execute(select(AdviceReason.code, AdviceReason.sentence)).all()
    found = db.session.scalars(select(AdviceIndex)).first()
    assert found, reasons
    assert (found.columns, found.verified_at is not None) == (["customer_id"], True)
    assert found.verified_note.startswith("HypoPG tried it: the planner would use it for the query, at a cost of ")
    assert db.session.scalars(select(AdviceRun)).one().has_hypopg


def test_what_the_planner_would_not_use_is_not_advised(opted_in) -> None:
    opted_in.collect(0)
    opted_in.execute(f"alter role {ROLE} set enable_indexscan = off", f"alter role {ROLE} set enable_bitmapscan = off")
    with opted_in.server.connect(opted_in.name) as connection:
        ask_by_customer(connection)
    opted_in.collect(1)
    assert db.session.scalars(select(AdviceIndex)).all() == []
    assert "not_used" in db.session.scalars(select(AdviceReason.code)).all()
