"""Readings of a real pg_stat_statements: counts are what ran, whatever happens in between."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.changes.models import Change
from dashboard.statements.models import StatementEntry, StatementFamily, StatementReading, StatementSample
from dashboard.targets.collection import Collection
from dashboard.targets.connect import TargetRefused

Read = Callable[[int], Collection]
ORDERS = "select count(*) from orders where id = %s"


@pytest.fixture(autouse=True)
def _orders(target_db: Any) -> None:
    target_db.execute("create table orders (id int)")
    target_db.execute("insert into orders select generate_series(1, 100)")


def run(target_db: Any, times: int) -> None:
    for number in range(times):
        target_db.execute(ORDERS, (number,))


def sample(store: Session, words: str) -> StatementSample | None:
    """The newest sample of the family whose text has these words."""
    store.expire_all()
    found = select(StatementSample).join(StatementFamily, StatementFamily.id == StatementSample.family_id)
    return store.scalars(
        found.where(StatementFamily.text.contains(words)).order_by(StatementSample.slot.desc())
    ).first()


def last(store: Session) -> StatementReading:
    store.expire_all()
    return store.scalars(select(StatementReading).order_by(StatementReading.slot.desc())).first()


def test_the_first_reading_counts_nothing(read: Read, store: Session, target_db: Any) -> None:
    run(target_db, 5)
    read(0)
    assert store.scalars(select(StatementSample)).all() == []
    assert (last(store).since, last(store).reason, last(store).is_complete) == (None, None, False)


def test_counts_equal_what_ran_between_two_readings(read: Read, store: Session, target_db: Any) -> None:
    run(target_db, 5)
    read(0)
    run(target_db, 7)
    read(1)
    found = sample(store, "from orders where id")
    assert found is not None
    assert (found.calls, found.rows) == (7, 7)
    assert found.shared_hit + found.shared_read == 7
    assert last(store).is_complete


def test_a_statement_that_is_new_counts_in_full(read: Read, store: Session, target_db: Any) -> None:
    read(0)
    run(target_db, 3)
    read(1)
    assert sample(store, "from orders where id").calls == 3


def test_the_same_slot_twice_stores_the_same_once(read: Read, store: Session, target_db: Any) -> None:
    read(0)
    run(target_db, 3)
    read(1)
    run(target_db, 4)
    read(1)
    read(2)
    calls = [
        row.calls for row in store.scalars(select(StatementSample).order_by(StatementSample.slot)) if row.calls > 2
    ]
    assert calls == [3, 4]


def test_a_reset_makes_nothing_negative_and_is_said(read: Read, store: Session, target_db: Any) -> None:
    run(target_db, 9)
    read(0)
    target_db.execute("select pg_stat_statements_reset()")
    run(target_db, 2)
    read(1)
    assert sample(store, "from orders where id").calls == 2
    assert not last(store).is_complete
    assert "emptied" in last(store).reason
    assert store.scalars(select(Change.kind)).all() == ["reset"]


def test_one_statement_that_was_reset_counts_from_its_new_start(read: Read, store: Session, target_db: Any) -> None:
    run(target_db, 9)
    read(0)
    target_db.execute("""
        select pg_stat_statements_reset(userid, dbid, queryid) from pg_stat_statements where query like '%from orders%'
    """)
    run(target_db, 2)
    read(1)
    assert sample(store, "from orders where id").calls == 2
    assert last(store).reason.endswith("began to count anew.")


def test_a_statement_that_was_dropped_counts_in_full_when_it_returns(
    read: Read, store: Session, target_db: Any
) -> None:
    run(target_db, 2)
    read(0)
    target_db.execute("select pg_stat_statements_reset(userid, dbid, queryid) from pg_stat_statements")
    read(1)
    assert {entry.gone_at is None for entry in store.scalars(select(StatementEntry))} == {True, False}
    run(target_db, 6)
    read(2)
    assert sample(store, "from orders where id").calls == 6


def test_lists_of_any_length_are_one_family(read: Read, store: Session, target_db: Any) -> None:
    read(0)
    for items in ("1", "1, 2", "1, 2, 3"):
        target_db.execute(f"select id from orders where id in ({items})")
    read(1)
    assert sample(store, "where id in").calls == 3


def test_a_password_in_a_command_is_not_stored(read: Read, store: Session, target_db: Any) -> None:
    read(0)
    role = f"secret_{target_db.name}"
    target_db.execute(f"create role {role} password 'hunter2-hunter2'")
    target_db.execute(f"drop role {role}")
    read(1)
    assert sample(store, f"create role {role} password '***'").calls == 1
    assert not [text for text in store.scalars(select(StatementFamily.text)) if "hunter2" in text]


def test_statements_of_the_watching_role_are_left_out(read: Read, store: Session) -> None:
    read(0)
    read(1)
    assert last(store).own_role.startswith("watch_")
    assert not [entry.username for entry in store.scalars(select(StatementEntry)) if entry.username.startswith("watch")]


def test_a_role_without_rights_tells_how_much_is_hidden(read: Read, store: Session, target_db: Any) -> None:
    target_db.execute(f"revoke pg_monitor from watch_{target_db.name}")
    read(0)
    run(target_db, 3)
    collection = read(1)
    assert sample(store, "orders") is None
    assert last(store).hidden_entries >= 2
    assert last(store).hidden_ms > 0
    assert collection.remedy_sql == f'GRANT pg_monitor TO "watch_{target_db.name}";'


def test_what_becomes_visible_does_not_bring_its_past(read: Read, store: Session, target_db: Any) -> None:
    target_db.execute(f"revoke pg_monitor from watch_{target_db.name}")
    run(target_db, 9)
    read(0)
    target_db.execute(f"grant pg_monitor to watch_{target_db.name}")
    read(1)
    assert sample(store, "from orders where id") is None
    assert "became visible" in last(store).reason
    run(target_db, 2)
    read(2)
    assert sample(store, "from orders where id").calls == 2


def test_a_database_without_the_extension_says_how_to_get_it(read: Read, target_db: Any) -> None:
    target_db.execute("drop extension pg_stat_statements")
    with pytest.raises(TargetRefused) as refused:
        read(0)
    assert refused.value.remedy_sql == "CREATE EXTENSION pg_stat_statements;"


def test_the_extension_may_live_in_any_schema(read: Read, store: Session, target_db: Any) -> None:
    target_db.execute("""create schema "100% ""odd"" place" """)
    target_db.execute("""alter extension pg_stat_statements set schema "100% ""odd"" place" """)
    with pytest.raises(TargetRefused) as refused:
        read(0)
    target_db.execute(refused.value.remedy_sql)
    read(0)
    run(target_db, 2)
    read(1)
    assert sample(store, "from orders where id").calls == 2
    target_db.execute(f"drop owned by watch_{target_db.name}")


def test_giant_and_hostile_texts_are_stored_once_and_capped(read: Read, store: Session, target_db: Any) -> None:
    read(0)
    target_db.execute("select '<script>alert(1)</script>' as \"<b>'\x01\", 1" + "\n".join(["+ 1"] * 3_000))
    read(1)
    family = store.scalars(select(StatementFamily).where(StatementFamily.text.contains("<b>"))).one()
    assert (len(family.text), family.text_truncated) == (10_000, True)
