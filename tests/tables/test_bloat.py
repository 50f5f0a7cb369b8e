"""The estimators of bloat against pgstattuple and against what REINDEX really freed, on a real server."""

from collections.abc import Callable

import pytest

from dashboard.tables import bloat, bloat_rules
from dashboard.tables.bloat_collect import RELATIONS, _columns, _columns_probe
from dashboard.tables.bloat_grant import LEND
from dashboard.targets.connect import address_of, reading
from dashboard.targets.queries import target_by_slug

TABLES = {
    "padded": (
        "create table padded (a boolean, b bigint, c boolean, d bigint, e boolean, f bigint);"
        "insert into padded select true, n, false, n, true, n from generate_series(1, 60000) n"
    ),
    "half": (
        "create table half (id bigint, note text, at timestamptz, flag boolean, amount integer);"
        "insert into half select n, repeat('x', 20), now(), true, n from generate_series(1, 60000) n;"
        "delete from half where id % 2 = 0"
    ),
    "tenth": (
        "create table tenth (id bigint, note text);"
        "insert into tenth select n, 'note ' || n from generate_series(1, 80000) n;"
        "delete from tenth where id % 10 <> 0"
    ),
    "nulls": (
        "create table nulls (a integer, b bigint, c text, d bigint);"
        "insert into nulls select n, case when n % 2 = 0 then n end, case when n % 3 = 0 then 'text' end, n"
        " from generate_series(1, 80000) n"
    ),
    "wide": (
        "create table wide (id integer, note text, more text);"
        "insert into wide select n, repeat('y', 200), repeat('z', 150 + n % 100) from generate_series(1, 10000) n;"
        "delete from wide where id % 3 = 0"
    ),
    "filled": (
        "create table filled (id bigint, n integer) with (fillfactor = 70);"
        "insert into filled select n, n from generate_series(1, 60000) n"
    ),
}
TABLES |= {
    "dropped_fixed": (
        "create table dropped_fixed (id bigint, a bigint, b bigint, c bigint, d bigint);"
        "insert into dropped_fixed select n, n, n, n, n from generate_series(1, 60000) n;"
        "alter table dropped_fixed drop a, drop b, drop c"
    ),
}
INDEXES = {
    "serial": (
        "create table {0} (k bigint); create index {0}_i on {0} (k)",
        "select n from generate_series(1, 60000) n",
        "",
    ),
    "few_values": (
        "create table {0} (k integer); create index {0}_i on {0} (k)",
        "select n % 20 from generate_series(1, 200000) n",
        "",
    ),
    "few_values_deleted": (
        "create table {0} (k integer, n integer); create index {0}_i on {0} (k)",
        "select n % 20, n from generate_series(1, 200000) n",
        "delete from {0} where n % 4 <> 0",
    ),
    "all_null": (
        "create table {0} (k integer); create index {0}_i on {0} (k)",
        "select null::integer from generate_series(1, 200000) n",
        "",
    ),
    "uuid_key": (
        "create table {0} (k uuid); create unique index {0}_i on {0} (k)",
        "select md5(n::text)::uuid from generate_series(1, 60000) n",
        "",
    ),
    "texts": (
        "create table {0} (k text); create unique index {0}_i on {0} (k)",
        "select 'somebody' || n || '@example.com' from generate_series(1, 50000) n",
        "delete from {0} where length(k) % 2 = 0",
    ),
    "two_columns": (
        "create table {0} (k integer, l bigint); create index {0}_i on {0} (k, l)",
        "select n % 100, n from generate_series(1, 60000) n",
        "delete from {0} where l < 40000",
    ),
    "not_deduplicated": (
        "create table {0} (k integer); create index {0}_i on {0} (k) with (deduplicate_items = off)",
        "select n % 20 from generate_series(1, 100000) n",
        "",
    ),
    "numbers": (
        "create table {0} (k numeric); create index {0}_i on {0} (k)",
        "select n % 20 from generate_series(1, 100000) n",
        "",
    ),
    "expression": (
        "create table {0} (k text); create index {0}_i on {0} (lower(k))",
        "select 'Name ' || n % 5000 from generate_series(1, 100000) n",
        "delete from {0} where k like '%7'",
    ),
}


@pytest.fixture
def estimated(app, target, target_db) -> Callable[[], dict[str, bloat.Estimate]]:
    """Estimates by the name of their relation, as a collection makes them; the statistics are lent to everybody."""
    target_db.execute("create extension pgstattuple")
    target_db.execute(LEND.format(role="PUBLIC"))

    def estimates() -> dict[str, bloat.Estimate]:
        with app.app_context(), reading(address_of(target_by_slug("shop"))) as reader:
            rows = reader.ask(RELATIONS)
            columns = _columns(reader, _columns_probe(reader), rows)
            relations = {row["name"]: (row["kind"], bloat_rules.relation_of(row, columns)) for row in rows}
        return {
            name: (bloat.index_bloat if kind == "i" else bloat.table_bloat)(relation)
            for name, (kind, relation) in relations.items()
        }

    return estimates


def percent(shares: dict[str, float]) -> dict[str, float]:
    return {name: max(0.0, round(share * 100, 1)) for name, share in shares.items()}


def test_tables_are_estimated_as_a_rewrite_frees_them(target_db, estimated) -> None:
    for statements in TABLES.values():
        target_db.execute(statements)
    target_db.execute("vacuum")
    target_db.execute("analyze")
    found = estimated()
    before = dict(target_db.execute(SIZES))
    measured = dict(target_db.execute(MEASURED))
    target_db.execute("vacuum full")
    after = dict(target_db.execute(SIZES))
    kept = {name: (found[name].residue_bytes or 0) / before[name] for name in TABLES}
    shares = percent({name: found[name].share + kept[name] for name in TABLES})
    assert shares == pytest.approx(percent({name: 1 - after[name] / before[name] for name in TABLES}), abs=3)
    free = {name: measured[name] / 100 for name in TABLES if name != "filled"}
    assert percent({name: found[name].share for name in free}) == pytest.approx(percent(free), abs=7.5)
    assert kept["dropped_fixed"] == pytest.approx(0.37, abs=0.03)


def test_indexes_are_estimated_as_reindex_frees_them(target_db, estimated) -> None:
    for name, (made, rows, then) in INDEXES.items():
        target_db.execute(made.format(name))
        target_db.execute(f"insert into {name} {rows}")
        target_db.execute(then.format(name) or "select 1")
    target_db.execute("vacuum analyze")
    found = {name: estimate.share for name, estimate in estimated().items() if name.endswith("_i")}
    before = dict(target_db.execute(SIZES))
    target_db.execute("reindex schema public")
    after = dict(target_db.execute(SIZES))
    assert found.keys() == {f"{name}_i" for name in INDEXES}
    assert percent(found) == pytest.approx(percent({name: 1 - after[name] / before[name] for name in found}), abs=6)


def test_a_dropped_text_is_residue_that_no_estimate_calls_bloat(target_db, estimated) -> None:
    target_db.execute("create table t (id bigint, note text)")
    target_db.execute("insert into t select n, repeat('x', 100) from generate_series(1, 30000) n")
    target_db.execute("alter table t drop note")
    target_db.execute("vacuum analyze t")
    found = estimated()["t"]
    assert (found.bytes, found.reason) == (None, bloat.DROPPED)
    [(size, free)] = target_db.execute("select table_len, free_percent from pgstattuple('t')")
    assert found.residue_bytes / size > 0.7
    assert free < 2


SIZES = """
select relname, pg_relation_size(oid) from pg_class
where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace
"""
MEASURED = """
select c.relname, s.free_percent + s.dead_tuple_percent from pg_class c, pgstattuple(c.oid) s
where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
"""
