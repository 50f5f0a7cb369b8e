"""Statements of one shape have one key."""

import time

import pytest

from dashboard.statements.family import LONGEST_READ, digest, family_key

IN_TWO = "SELECT a FROM t WHERE id IN ($1, $2)"
SAME = [
    (IN_TWO, "select a from t where id in ($1, $2, $3, $4, $5)"),
    (IN_TWO, "SELECT a FROM t WHERE id IN ($1 /*, ... */)"),
    (IN_TWO, "SELECT a FROM t WHERE id IN ($1)"),
    (IN_TWO, "/* app:shop */ SELECT a -- why\nFROM t\tWHERE id IN (1,2) ;"),
    ("select /* a /* nested */ comment */ 1", "SELECT 2"),
    ("select x in ($1::varchar, $2::varchar)", "select x in ($1::varchar, $2::varchar, $3::varchar)"),
    (IN_TWO, "SELECT a FROM t WHERE id = ANY($1)"),
    (IN_TWO, "SELECT a FROM t WHERE id = ANY ($1::int[])"),
    (IN_TWO, "SELECT a FROM t WHERE id = any (array[1, 2, 3]::character varying[])"),
    ("select a not in (1, 2)", "select a <> all ($1)"),
    ("select array[1, 2]", "select array[1, 2, 3]"),
    ("select (a, b) in ((1, 2), (3, 4))", "select (a, b) in ((1, 2))"),
    ("insert into t values ($1, $2)", "INSERT INTO t VALUES ($1, $2), ($3, $4), ($5, $6)"),
    ("select * from (values ($1, 0)) as v", "select * from (values ($1, 0), ($2, 1)) as v"),
    ("select x in (values (1))", "select x in (values (1), (2))"),
    ("SAVEPOINT sa_savepoint_1", "savepoint sa_savepoint_27"),
    ("RELEASE SAVEPOINT a", "release b"),
    ("ROLLBACK TO SAVEPOINT a", "rollback to b"),
    ("set work_mem = '4MB'", "SET work_mem TO '64MB'"),
    ('FETCH FORWARD 50 FROM "c_7f1"', 'fetch forward 100 from "c_80a"'),
    ('DECLARE "c_1" CURSOR FOR SELECT 1', 'declare "c_2" cursor for select 2'),
    ("select E'it\\'s', $q$ a $q$", "select 'x', 'it''s'"),
    ("select -5, 1e5, .5, 0xff", "select $1, $2, $3, $4"),
]
DIFFERENT = [
    ("select a from t", "select b from t"),
    ('select "A" from t', "select a from t"),
    ('select "A" from t', 'select "a" from t'),
    ("select 'a' from t", 'select "a" from t'),
    ("select a from x.t", "select a from y.t"),
    ("select a in (b, c)", "select a in (b, d)"),
    ("select a - 5", "select a"),
    ("select a = any (b)", "select a = any ($1)"),
    ("select a = all ($1)", "select a = any ($1)"),
    ("insert into t values (default, 1)", "insert into t values (1, 1)"),
    ("insert into t values (1) on conflict do nothing", "insert into t values (1)"),
    ("rollback", "rollback to savepoint a"),
    ("set local work_mem = 1", "set local jit = 1"),
    ("select a from t where b = '/* c */'", "select a from t where b = "),
]
HOSTILE = [
    "in(" * 40_000,
    "(" * 100_000,
    "/*" * 50_000,
    "'" * 100_001,
    "$a$" * 30_000,
    "insert into t values " + ",".join(["($1,$2)"] * 20_000),
    "a in ((((" * 2_000 + "1," * 20_000,
    "in (x values (1), (1), (1)",
    "\x01\x7f\u202e" * 1_000,
    "\ud800",
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_shape_alone_makes_a_family(one: str, other: str) -> None:
    assert family_key(one) == family_key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_shape_is_another_family(one: str, other: str) -> None:
    assert family_key(one) != family_key(other)


def test_a_key_reads_like_the_statement() -> None:
    text = """
        SELECT o."Id", sum(x) FROM orders o WHERE o.status IN ('a','b') AND o.at > now() - interval '1 day' LIMIT 5
    """
    assert family_key(text) == (
        'select o . "Id" , sum ( x ) from orders o where o . status in ( ? ) and o . at > now ( ) - interval ? limit ?'
    )


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
def test_hostile_texts_neither_fail_nor_take_long(text: str) -> None:
    started = time.process_time()
    assert len(digest(text)) == 16
    assert time.process_time() - started < 2


def test_only_the_beginning_of_a_giant_text_is_read() -> None:
    giant = "select '" + "x" * LONGEST_READ
    assert family_key(giant + "', a") == family_key(giant + "', b") == "select ?"
