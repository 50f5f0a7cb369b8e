"""Tables that a text names, as far as the text tells."""

import time

import pytest

from dashboard.statements.relations import COMMAND, CUT, NOT_SQL, TOO_DEEP, relations_of

READ, WRITTEN, NAMED = (True, False), (False, True), (False, False)
TRUTH = [
    ('select * from orders o join app."Items" i on i.x = o.id where o.y in ($1 /*, ... */)',
     {"orders": READ, "app.Items": READ}),
    ("insert into public.t (a, b) values ($1, $2), ($3, $4) on conflict (a) do update set b = excluded.b",
     {"public.t": WRITTEN}),
    ("update t set a = $1, b = b + $2 from u where u.id = t.id", {"t": WRITTEN, "u": READ}),
    ("delete from t using u where t.id = u.id and u.z = $1", {"t": WRITTEN, "u": READ}),
    ("with gone as (delete from t where a < $1 returning *) insert into archive select * from gone",
     {"t": WRITTEN, "archive": WRITTEN}),
    ("with orders as (select * from orders) select * from orders", {"orders": READ}),
    ("with recursive tree as (select * from n union all select n.* from n join tree on true) select * from tree",
     {"n": READ}),
    ("select * from a where exists (select from b where b.x = a.x) and y > all (select z from c.d)",
     {"a": READ, "b": READ, "c.d": READ}),
    ("select x from generate_series($1, $2) as x", {}),
    ("select * from jsonb_to_recordset($1) as r(a int), t", {"t": READ}),
    ("select a[$1:$2], b ->> $3 from t where c @> $4::jsonb and d > now() - interval $5", {"t": READ}),
    ("select extract($1 from created_at) from Sales.T", {"sales.t": READ}),
    ("merge into t using s on t.id = s.id when matched then update set a = s.a", {"t": WRITTEN, "s": READ}),
    ("copy t (a, b) from stdin", {"t": WRITTEN}),
    ("copy (select * from t) to stdout", {"t": READ}),
    ('declare "c_1" cursor with hold for select * from t', {"t": READ}),
    ("create index concurrently i on s.t (a)", {"s.t": WRITTEN}),
    ("create table n as select * from t", {"n": WRITTEN, "t": READ}),
    ("drop table if exists t", {"t": WRITTEN}),
    ("alter table s.t add column x int", {"s.t": WRITTEN}),
    ("truncate t, u", {"t": WRITTEN, "u": WRITTEN}),
    ("grant select on t to x", {"t": NAMED}),
    ("select 1", {}),
    ("BEGIN ISOLATION LEVEL SERIALIZABLE", {}),
    ("set work_mem = $1", {}),
]  # fmt: skip
HOSTILE = ["select " + "case when " * 900, "'" * 9_999, "select 1" + "+1" * 4_900, "(" * 9_000, "select (" * 39]
HOSTILE += ["select * from t where " + "a=1 or " * 1_400 + "b", "select a in (" + "[(" * 19, "x" * 10_000, "\x00\ud800"]


@pytest.mark.parametrize(("text", "expected"), TRUTH, ids=[text[:40] for text, _ in TRUTH])
def test_the_tables_of_a_statement(text: str, expected: dict[str, tuple[bool, bool]]) -> None:
    found = relations_of(text)
    assert found.problem is None
    told = {".".join(filter(None, (one.schema, one.name))): (one.is_read, one.is_written) for one in found.relations}
    assert told == expected


def test_columns_are_told_where_they_certainly_belong_to_a_table() -> None:
    text = 'select o.id, i."Price", unsure from orders o, items i where o.id = i.order_id'
    columns = {one.name: one.columns for one in relations_of(text).relations}
    assert columns == {"orders": ("id",), "items": ("Price", "order_id")}
    (only,) = relations_of("update t set a = $1 where b = $2").relations
    assert only.columns == ("a", "b")


@pytest.mark.parametrize(
    ("text", "truncated", "problem"),
    [
        ("select * from t where (", False, NOT_SQL),
        ("select * from t", True, CUT),
        ("vacuum analyze t", False, COMMAND),
        ("select " + "(" * 50 + "1" + ")" * 50, False, TOO_DEEP),
    ],
)
def test_what_cannot_be_read_is_said(text: str, truncated: bool, problem: str) -> None:
    found = relations_of(text, truncated=truncated)
    assert (found.relations, found.problem) == ((), problem)


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_texts_neither_fail_nor_take_long(text: str) -> None:
    started = time.process_time()
    relations_of(text[:10_000])
    assert time.process_time() - started < 2
