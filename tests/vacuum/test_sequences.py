"""Sequences of a real server: their narrowest column, their values, rights and locks."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import func, select

from dashboard.findings.models import Finding
from dashboard.tables.models import TableReading
from dashboard.vacuum import sequences
from dashboard.vacuum.forecast import STILL, TOO_FEW
from dashboard.vacuum.models import SequenceSample, SequenceState

SHOP = """
create table orders (id bigserial primary key);
create table items (order_id integer references orders, line bigint generated always as identity);
create table deep (id smallint primary key, item integer);
create sequence shared as bigint;
create table one (id bigint default nextval('shared'));
create table two (id smallint default nextval('shared'));
create sequence alone increment -2 minvalue -100 maxvalue -1 cycle;
select nextval('orders_id_seq'), nextval('alone')
"""


@pytest.fixture
def shop(target_db):
    target_db.execute(SHOP)
    target_db.execute("grant select on all sequences in schema public to public")
    return target_db


def stored(store) -> dict[str, SequenceState]:
    store.expire_all()
    return {row.name: row for row in store.scalars(select(SequenceState))}


def test_the_narrowest_column_is_found_through_defaults_identities_and_foreign_keys(shop, counted, store) -> None:
    counted()
    found = {
        name: (row.column_table, row.column_name, row.column_type, row.is_reference, row.limit_value)
        for name, row in stored(store).items()
    }
    assert found == {
        "orders_id_seq": ("items", "order_id", "integer", True, 2**31 - 1),
        "items_line_seq": ("items", "line", "bigint", False, 2**63 - 1),
        "shared": ("two", "id", "smallint", False, 2**15 - 1),
        "alone": (None, None, None, False, -100),
    }


def test_values_are_read_and_those_never_used_say_so(shop, counted, store) -> None:
    counted()
    found = {name: (row.last_value, row.note) for name, row in stored(store).items()}
    assert found["orders_id_seq"] == (1, None)
    assert found["alone"] == (-1, None)
    assert found["shared"] == (None, sequences.UNUSED)


def test_a_value_is_sampled_only_when_it_moved(shop, counted, store) -> None:
    for hours in (3, 2, 1):
        counted(timedelta(hours=hours))
    shop.execute("select nextval('orders_id_seq')")
    counted()
    name = select(SequenceState.oid).where(SequenceState.name == "orders_id_seq").scalar_subquery()
    values = store.scalars(
        select(SequenceSample.last_value).where(SequenceSample.oid == name).order_by(SequenceSample.slot)
    )
    assert values.all() == [1, 2]


def test_without_the_right_the_value_is_unknown_and_the_grant_is_told(target_db, counted, store) -> None:
    target_db.execute(SHOP)
    collection = counted()
    assert {row.note for row in stored(store).values()} == {sequences.NO_RIGHT}
    assert collection.reason == f"The last value of 4 of 4 sequences is unknown: {sequences.NO_RIGHT}."
    role = f"watch_{target_db.name}"
    assert collection.remedy_sql == f'GRANT SELECT ON ALL SEQUENCES IN SCHEMA "public" TO "{role}";'


def test_a_locked_sequence_keeps_its_value_and_costs_the_others_nothing(shop, counted, store) -> None:
    counted()
    with psycopg.connect(shop.url.replace("+psycopg", "")) as migration:
        migration.execute("alter sequence shared restart with 7")
        migration.execute("lock table orders in access exclusive mode")
        shop.execute("select nextval('alone')")
        counted()
    found = stored(store)
    assert found["shared"].note == sequences.LOCKED
    assert found["alone"].last_value == -3


def test_our_reading_leaves_no_lock_behind(shop, counted) -> None:
    counted()
    held = "select count(*) from pg_locks l join pg_class c on c.oid = l.relation where c.relkind = 'S'"
    assert shop.execute(held) == [(0,)]


def test_a_rising_history_gives_a_rate_and_a_date_and_a_finding(shop, counted, store) -> None:
    step = 20_000_000
    for day in range(9, 0, -1):
        shop.execute(f"select setval('orders_id_seq', {1_400_000_000 - day * step})")
        counted(timedelta(days=day))
    shop.execute("select setval('orders_id_seq', 1400000000)")
    counted()
    row = stored(store)["orders_id_seq"]
    assert row.ids_per_day == pytest.approx(step, rel=0.01)
    days = (2**31 - 1 - 1_400_000_000) / step
    found = (row.exhausted_from - row.sampled_at) / timedelta(days=1)
    assert found == pytest.approx(days, abs=1)
    assert row.exhausted_until >= row.exhausted_from
    [finding] = store.scalars(select(Finding).where(Finding.source == "sequences")).all()
    assert finding.key == "sequence_exhaustion:public.orders_id_seq"
    assert "integer column items.order_id" in finding.why


def test_days_on_which_nobody_looked_are_no_days_of_a_forecast(shop, counted, store, target) -> None:
    shop.execute("select setval('orders_id_seq', 1400000000)")
    counted(timedelta(days=30))
    shop.execute("select setval('orders_id_seq', 1400000001)")
    counted()
    assert stored(store)["orders_id_seq"].forecast_note == TOO_FEW
    days = [datetime.now(UTC) - timedelta(days=day) for day in range(31)]
    store.add_all(TableReading(target_id=target.id, slot=day, tables=1) for day in days)
    store.commit()
    counted()
    assert stored(store)["orders_id_seq"].forecast_note == STILL


def test_the_page_shows_columns_limits_and_what_is_unknown(shop, counted, as_viewer) -> None:
    counted()
    rows = {row["name"]: row for row in as_viewer.get("/t/shop/vacuum/sequences?format=json").json["rows"]}
    assert rows["orders_id_seq"]["column_table"] == "items"
    text = as_viewer.get("/t/shop/vacuum/sequences").text
    assert "items.order_id" in text
    assert "a foreign key" in text
    assert "not used yet" in text
    assert as_viewer.get("/t/shop/vacuum/sequences?format=json&state=unknown").json["total"] == 2
    assert as_viewer.get("/t/shop/vacuum/sequences?format=json&q=items").json["total"] == 2


def test_no_value_is_kept_of_a_sequence_that_was_dropped(shop, counted, store) -> None:
    counted()
    shop.execute("drop sequence alone")
    counted()
    assert "alone" not in stored(store)
    assert store.scalar(select(func.count()).select_from(SequenceState)) == 3
