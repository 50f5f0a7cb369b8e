"""What a run does when rights are missing, when nothing was read, when something broke; and what it costs."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from dashboard.advice import collect as advice
from dashboard.advice.models import AdviceIndex, AdviceReason, AdviceRun
from dashboard.store import db
from dashboard.tables.bloat_grant import LEND
from dashboard.targets.models import TargetLogin
from dashboard.targets.queries import target_by_slug
from dashboard.targets.secrets import seal
from tests.advice.conftest import ask_by_customer
from tests.collections import collecting
from tests.people import SECRET_KEY


def run_of(store):
    store.expire_all()
    return store.scalars(select(AdviceRun)).one()


def indexes(store):
    store.expire_all()
    return list(store.scalars(select(AdviceIndex)))


def test_a_role_that_may_read_nothing_gets_wide_ranges_and_what_would_help(shop, advised, store) -> None:
    collection = advised(ask_by_customer)
    assert (run_of(store).statistics, run_of(store).columns_unknown) == ("denied", 1)
    assert collection.reason.startswith("Shares of values of 1 of 1 columns cannot be read")
    assert "pilothouse.column_statistics()" in collection.remedy_sql
    assert [row.columns for row in indexes(store)] == [["customer_id"]]


def test_statistics_that_an_owner_lends_are_used(shop, advised, store) -> None:
    for statement in LEND.format(role=f'"watch_{shop.name}"').split(";\n"):
        shop.execute(statement)
    collection = advised(ask_by_customer)
    assert (run_of(store).statistics, collection.reason) == ("lent", None)
    shop.execute(f"drop owned by watch_{shop.name}")


@pytest.fixture
def explainer(app, shop):
    """A role of its own that may read the tables, registered to explain."""
    role = f"explain_{shop.name}"
    shop.execute(f"create role {role} login password '{shop.server.password(role)}'")
    shop.execute(f"grant select on all tables in schema public to {role}")
    with app.app_context():
        target = target_by_slug("shop")
        login = TargetLogin(purpose="explain", username=role)
        target.logins.append(login)
        db.session.flush()
        login.sealed_password = seal(shop.server.password(role), SECRET_KEY, login_id=login.id, purpose="explain")
        db.session.commit()
    yield role
    app.extensions["pilothouse_target_pools"].close()
    shop.execute(f"drop owned by {role}")
    shop.execute(f"drop role {role}")


def test_the_explaining_role_reads_statistics_that_the_watching_role_may_not(explainer, advised, store) -> None:
    collection = advised(ask_by_customer)
    assert (run_of(store).statistics, collection.reason) == ("read", None)


def test_an_explaining_role_that_cannot_sign_in_costs_only_the_statistics(explainer, shop, advised, store) -> None:
    shop.execute(f"alter role {explainer} nologin")
    advised(ask_by_customer)
    assert run_of(store).statistics == "denied"
    assert len(indexes(store)) == 1


def test_advice_stays_and_keeps_its_row_when_it_is_made_again(readable, advised, store) -> None:
    advised(ask_by_customer)
    [first] = [(row.id, row.first_seen_at) for row in indexes(store)]
    advised(ask_by_customer, minutes_ago=2)
    assert [(row.id, row.first_seen_at) for row in indexes(store)] == [first]


def test_before_the_first_window_nothing_is_judged(app, shop, store) -> None:
    assert collecting(app, advice)().reason is None
    assert store.scalars(select(AdviceRun)).all() == []


def test_without_new_readings_the_old_advice_stays_and_says_so(app, readable, advised, store) -> None:
    advised(ask_by_customer)
    later = collecting(app, advice)(ago=-timedelta(days=3))
    assert later.reason == "No statements were collected in the last 24 hours: this is older advice."
    assert len(indexes(store)) == 1


def test_hostile_texts_cost_only_themselves(readable, advised, store) -> None:
    def work(connection):
        ask_by_customer(connection)
        for text in ('select 1 as "a\'b"', "select $$it's$$ || $x$ $$ $x$", "select '\\'", "/* ' */ select 2"):
            connection.execute(text, prepare=False)
        connection.execute("select " + "(" * 500 + "1" + ")" * 500, prepare=False)

    advised(work)
    assert len(indexes(store)) == 1
    assert {row.code for row in store.scalars(select(AdviceReason))} <= {
        "few_calls",
        "unparsable",
        "utility",
        "no_table",
    }


def test_reading_statements_has_a_time_limit(readable, advised, store, monkeypatch) -> None:
    monkeypatch.setattr(advice, "PARSE_S", 0.0)
    advised(ask_by_customer)
    assert {row.code for row in store.scalars(select(AdviceReason))} == {"late"}


def test_a_locked_table_does_not_hold_the_run_up(readable, advised, store) -> None:
    with readable.server.connect(readable.name) as other:

        def work(connection):
            ask_by_customer(connection)
            connection.commit()
            other.execute("begin")
            other.execute("lock table orders in access exclusive mode")

        collection = advised(work)
        assert [row.columns for row in indexes(store)] == [["customer_id"]]
        assert collection.reader.target_ms < 2_000
        other.rollback()


@pytest.fixture
def is_due(app):
    """Whether advice is wanted before its hour is over."""

    def ask(at):
        with app.app_context():
            return advice.is_due_sooner(target_by_slug("shop").id, at)

    return ask


def test_the_first_advice_follows_the_first_statements_and_is_made_again_as_they_double(shop, advised, is_due, store):
    assert is_due(datetime.now(UTC)) is False
    advised(ask_by_customer)
    run = run_of(store)
    age = run.until - run.since
    assert [is_due(run.since + age * times) for times in (1.5, 2, 3)] == [False, True, True]
    store.execute(delete(AdviceRun))
    store.commit()
    assert is_due(datetime.now(UTC)) is True
