"""Recorded texts: typed literals become casts, and nothing else is touched. The shapes are those of real workloads."""

import pytest

from dashboard.plans.parameters import parameter_count, plannable, without_null_tests

AS_THEY_ARE = (
    "select * from t where id = $1",
    "select * from t where id in ($1 /*, ... */)",
    "insert into t (a,b) values ($1,$2),($3,$4)",
    "select a[$1:$2] from t where (a,b)>($3,$4) and c in ($5,$6) and d <@$7",
    "select * from t where id = any($1)",
    "select * from t where a like $1 escape $2",
    "select * from t where at between $1 and $2 order by at limit $3 offset $4",
    "select * from t where at > $1::timestamptz and d = cast($2 as date)",
    "select * from t where at at time zone $1 > now()",
    "select date_trunc($1, at), substring(a from $2 for $3), trim(both $4 from a) from t",
    "select case when a = $1 then $2 else $3 end from t group by 1",
    "select * from t where j @> $1 and j ->> $2 = $3 and j ? $4",
    "insert into t (a, b) values ($1, $2) on conflict (a) do update set b = $3 returning id",
    "update t set a = $1 where id = $2",
    "delete from t using s where t.id = s.id and s.a = $1",
    "with x as (select $1 as a) select * from x join t on t.a = x.a",
    'select "date" , \'date $1\' from "interval $1" -- interval $1',
    "select date, interval from t where date = $1",
)


@pytest.mark.parametrize("text", AS_THEY_ARE)
def test_what_the_server_can_plan_stays_as_it_is(text):
    assert plannable(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at > now() - interval $1", "at > now() - cast($1 as interval)"),
        ("at > now() - INTERVAL $1 DAY", "at > now() - cast($1 as interval day)"),
        ("interval $1 day to second (3), $2", "cast($1 as interval day to second ( 3 )), $2"),
        ("(a,d)=($1,date $2) and x in ($3,$4)", "(a,d)=($1,cast($2 as date)) and x in ($3,$4)"),
        ("d = date $1 and x = $2", "d = cast($1 as date) and x = $2"),
        ("timestamp with time zone $1", "cast($1 as timestamp with time zone)"),
        ("timestamp(3) $12", "cast($12 as timestamp ( 3 ))"),
        ("double precision $1", "cast($1 as double precision)"),
        ("extract($1 from at) = $2", "pg_catalog.date_part($1 , at) = $2"),
        ("EXTRACT ( $1 FROM a.at )", "pg_catalog.date_part ( $1 , a.at )"),
        ("jsonb $1 || json $2", "cast($1 as jsonb) || cast($2 as json)"),
    ],
)
def test_typed_literals_become_casts(text, expected):
    assert plannable(f"select {text} from t") == f"select {expected} from t"


def test_a_type_that_somebody_names_is_cast_to():
    text = "select * from generate_series($1, $2) where date $3 < now()"
    expected = "select * from generate_series(($1::bigint), $2) where cast(($3::text) as date) < now()"
    assert plannable(text, {1: "bigint", 3: "text"}) == expected


@pytest.mark.parametrize("test", ["is null", "IS NOT NULL", "isnull"])
def test_what_is_only_without_null_tests_is_taken_for_text(test):
    assert without_null_tests(f"select $1 {test} or a = $2") == f"select ($1::text) {test} or a = $2"


def test_the_type_of_what_is_used_elsewhere_is_looked_for_there():
    assert without_null_tests("select $1 is null or a = $1") == "select null is null or a = $1"


@pytest.mark.parametrize(
    ("text", "count"),
    [("select 1", 0), ("select $2, $10", 10), ("select '$3', \"$4\", $$ $5 $$ -- $6", 0), ("/* $9 */ select $1", 1)],
)
def test_parameters_are_counted_where_they_are_parameters(text, count):
    assert parameter_count(text) == count


def test_what_is_no_sql_is_said():
    with pytest.raises(ValueError, match="no SQL"):
        parameter_count("select 'unfinished")
