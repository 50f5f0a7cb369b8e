"""The fixtures keep what they promise."""

from dashboard.security.models import Account
from dashboard.store import db


def account(email):
    return Account(email=email, name="Ada", password_hash="-", role="viewer")


def test_a_commit_of_one_test_is_gone_in_the_next(app, store):
    assert store.query(Account).count() == 0
    with app.app_context():
        db.session.add(account("ada@example.com"))
        db.session.commit()
    assert store.query(Account).count() == 1


def test_a_second_test_starts_from_an_empty_store(app, store):
    assert store.query(Account).count() == 0
    store.add(account("ada@example.com"))
    store.commit()
    with app.app_context():
        assert db.session.query(Account).count() == 1


def test_a_cloned_store_has_a_database_of_its_own(cloned_store, app, store):
    with cloned_store.app_context():
        db.session.add(account("ada@example.com"))
        db.session.commit()
        assert db.session.query(Account).count() == 1
    assert store.query(Account).count() == 0


def test_a_target_database_has_the_statement_statistics(target_db):
    assert target_db.execute("select count(*) > 0 from pg_stat_statements") == [(True,)]


def test_the_recorder_sees_the_statements_of_the_app(app, queries):
    with queries(app) as seen, app.app_context():
        db.session.query(Account).all()
    assert len(seen) == 1
