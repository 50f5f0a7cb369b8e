"""Statements in colours and lines: nothing but white space changes, and the longest are as quick as others."""

import re
import time

import pytest

from dashboard import sqltext

LONGEST = 10_000
COLUMNS = ", ".join(f"t{n % 9}.column_{n} as c{n}" for n in range(400))
JOINS = " ".join(f"left join t{n} on t{n}.id = t0.id and t{n}.x = ${n}" for n in range(1, 60))
REPORT = """
with recent as (select id, extract(epoch from at) from orders where at between $1 and $2 and state is distinct from $3)
select c.id, count(*) filter (where r.id > $4), '  two  spaces ' as "an  odd name" -- the end
from customers c left outer join recent r on r.id = c.id and r.x = $$ and from $$ /* from  here */
where c.a = 1 or exists (select 1 from t) group by c.id order by 2 desc limit $5
"""
LONG = {
    "columns": f"select {COLUMNS} from t0 {JOINS}",
    "list": "select * from a where id in (" + ", ".join(f"${n}" for n in range(2_500)),
    "rows": "insert into t values " + ", ".join(["($1, $2, $3, $4)"] * 700),
    "conditions": "select 1 where " + " or ".join(["a = $1 and b = $2"] * 600),
    "cases": "select " + ", ".join(["case when a = 1 then 2 else 3 end"] * 400),
    "queries": "select * from (" * 900,
    "brackets": "(" * LONGEST,
    "sums": "1+" * 5_000,
    "a word": "select '" + "x" * LONGEST,
    "dollars": "select $a$" + " $b$ from " * 2_000,
}


def shown(text: str) -> str:
    return "".join(word for _, word in sqltext.tokens(text, formatted=True))


def bare(text: str) -> str:
    return re.sub(r"\s", "", text)


def long(text: str) -> str:
    """The statement after so many others that sqlparse is not asked."""
    return "select 1 as one;\n" * (sqltext.LONG // 16) + text


@pytest.mark.parametrize("text", [REPORT, long(REPORT), *(text[:LONGEST] for text in LONG.values())])
def test_nothing_but_white_space_changes(text: str) -> None:
    assert bare(shown(text)) == bare(text)
    assert "".join(word for _, word in sqltext.tokens(text)) == text or len(text) > sqltext.LONGEST


def test_a_long_statement_has_its_clauses_and_conditions_in_lines() -> None:
    lines = shown(long(REPORT)).splitlines()
    begins = [line.split()[0] for line in lines if line.startswith("  ")]
    assert begins == ["select", "from", "where", "and", "and", "or", "select", "from"]
    assert "left outer join recent r on r.id = c.id" in lines
    assert "  and r.x = $$ and from $$ /* from  here */" in lines
    assert any("'  two  spaces ' as \"an  odd name\" -- the end" in line for line in lines)


def test_a_full_line_breaks_after_a_comma() -> None:
    lines = shown(LONG["list"][:LONGEST]).splitlines()
    assert max(map(len, lines[:-1])) < 120
    assert lines[-2].endswith(",")


@pytest.mark.parametrize("name", LONG)
def test_the_longest_statements_take_a_fraction_of_a_second(name: str) -> None:
    text, begin = LONG[name][:LONGEST], time.process_time()
    words = sqltext.tokens(text, formatted=True)
    assert time.process_time() - begin < 0.4
    assert len(words) <= sqltext.MOST_WORDS + 1
