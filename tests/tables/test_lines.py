"""Indexes pass through as the target told of them, whatever their names are, and say the same once looked into."""

from datetime import timedelta

from sqlalchemy import select

from dashboard.tables.collect import INDEXES
from dashboard.tables.lines import index_lines, texts
from dashboard.tables.models import IndexState
from dashboard.tables.sizes import about, definitions
from dashboard.targets.connect import address_of, reading
from dashboard.targets.queries import target_by_slug

ODD = 'tab\t line\n back\\slash "quote" \\N ž {a,b}'
QUOTED = '"' + ODD.replace('"', '""') + '"'
SHOP = f"""
create table {QUOTED} (id bigint primary key, {QUOTED} text);
create index {QUOTED[:-1]}1" on {QUOTED} (lower({QUOTED}), {QUOTED} desc) where {QUOTED} <> E'\\t\\\\'
"""


def stored(store) -> IndexState:
    store.expire_all()
    return store.scalars(select(IndexState).where(IndexState.name == f"{ODD}1")).one()


def test_a_line_says_what_a_row_says(target_db, app, target) -> None:
    target_db.execute(SHOP)
    [(table,)] = target_db.execute("select oid::bigint from pg_class where relkind = 'r' and relname like 'tab%'")
    with app.app_context(), reading(address_of(target_by_slug("shop"))) as reader:
        lines = list(index_lines(about(reader, INDEXES, [table])))
        rows = reader.ask(INDEXES)
        told = definitions(reader, [one.oid for one in lines])
    assert [tuple(one.values()) for one in lines] == [tuple(row.values()) for row in rows]
    assert ODD in texts(told[lines[1].oid])[0].replace('""', '"')
    assert texts(told[lines[0].oid])[1:] == texts(None)[1:] == [None, None]


def test_an_odd_name_is_stored_as_it_is_on_first_sight_and_after_a_change(target_db, collected, store) -> None:
    target_db.execute(SHOP)
    collected(timedelta(minutes=5))
    first = stored(store)
    known = (first.table_name, first.columns, first.definition, first.expressions, first.predicate)
    assert known[:2] == (ODD, ["(expression)", ODD])
    assert first.predicate == f"({QUOTED} <> '\t\\'::text)"
    target_db.execute(f'alter index {QUOTED[:-1]}1" set (fillfactor = 70)')
    collected()
    again = stored(store)
    assert again.storage_options == ["fillfactor=70"]
    assert (again.table_name, again.columns, again.expressions, again.predicate) == (*known[:2], *known[3:])
    assert again.definition == known[2].replace(" WHERE", " WITH (fillfactor='70') WHERE")
