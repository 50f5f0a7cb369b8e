"""Which recorded texts may be planned, which may be run, and which tables they mention."""

import pytest

from dashboard.plans import recorded
from dashboard.plans.recorded import tables_of, why_no_plan, why_not_run


@pytest.mark.parametrize(
    "text",
    [
        "select 1", "/* tag */ select 1;", "(select 1) union (select 2)", "values (1)", "with x as (select 1) table x",
        "insert into t values ($1)", "update t set a = $1", "delete from t",
        "merge into t using s on true when matched then delete",
    ],
)  # fmt: skip
def test_statements_with_a_plan_may_be_planned(text):
    assert why_no_plan(text, is_truncated=False) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("select 1; drop table t", recorded.SEVERAL),
        ("select 1; commit; create table pwn (a int)", recorded.SEVERAL),
        ("copy t to program 'id'", recorded.NO_PLAN),
        ("explain select 1", recorded.NO_PLAN),
        ("analyze t", recorded.NO_PLAN),
        ("(analyze) delete from t", recorded.NO_PLAN),
        ("execute p(1)", recorded.NO_PLAN),
        ("do $$ begin end $$", recorded.NO_PLAN),
        ("create table a as select 1", recorded.NO_PLAN),
        ("", recorded.NO_PLAN),
        ("select 'unfinished", recorded.UNREADABLE),
        ("select $1001", recorded.TOO_MANY),
    ],
)
def test_anything_else_is_refused_before_anybody_is_asked(text, reason):
    assert why_no_plan(text, is_truncated=False) == reason


def test_a_text_that_was_cut_is_no_statement():
    assert why_no_plan("select 1", is_truncated=True) == recorded.TRUNCATED


@pytest.mark.parametrize(
    "text", ["select 1", "select count(*), lower(a) from t", "values (1)", "with x as (select 1) select * from x"]
)
def test_what_only_reads_may_be_run(text):
    assert why_not_run(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("delete from t", recorded.WRITES),
        ("with gone as (delete from t returning *) select * from gone", recorded.WRITES),
        ("with x as (select 1) update t set a = 1", recorded.WRITES),
        ("select * from t for update", recorded.WRITES),
        ("select * from (select * from t for share) as x", recorded.WRITES),
        ("select * into y from t", recorded.WRITES),
        ("merge into t using s on true when matched then delete", recorded.WRITES),
        ("select * from t where (((", recorded.UNSURE),
        ("select 1; select 2", recorded.UNSURE),
        ("select pg_terminate_backend(1)", recorded.ACTS.format(names="pg_terminate_backend")),
        ("select pg_catalog.pg_sleep(9), nextval('s')", recorded.ACTS.format(names="nextval, pg_sleep")),
        ("select * from dblink('', 'drop table t') as x (a int)", recorded.ACTS.format(names="dblink")),
    ],
)
def test_what_may_do_more_than_read_is_not_run(text, reason):
    assert why_not_run(text) == reason


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("select * from shop.orders o join customers c on c.id = o.customer_id", ["customers", "orders"]),
        ("with x as (select * from t) select * from x", ["t"]),
        ('update "Odd ""name" set a = 1', ['Odd "name']),
        ("select (((", []),
    ],
)
def test_the_tables_that_a_text_mentions(text, names):
    assert tables_of(text) == names


@pytest.mark.parametrize("text", ["select * from t where (a,b)>($1,$2)", "select a from t where b in ($1,$2,$3)"])
def test_parameters_side_by_side_are_read(text):
    assert (why_no_plan(text, is_truncated=False), why_not_run(text), tables_of(text)) == (None, None, ["t"])
