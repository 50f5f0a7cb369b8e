"""Truth tables of index verdicts: real indexes on a real server, judged by the real collectors."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from dashboard.embedded import Server
from dashboard.findings.models import Finding
from dashboard.store import db
from dashboard.tables import collect, judge
from dashboard.targets.collection import Collection
from dashboard.targets.connect import address_of, reading
from dashboard.targets.queries import target_by_slug
from dashboard.targets.states import keep_probe_state
from tests.conftest import Database, close, make_app, run_sql, watched

COLUMNS = "a int, b int, c text, d text, n int[], r int4range, primary key (a, b, c)"
UNKEYED = "a int, b int, c text, d text, n int[], r int4range"

# What is made → {index that may go: (kind, the one that stays)}; "t" is a table of its own for each case.
PAIRS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "same column": ("index x1 on t(a); index x2 on t(a)", {"x2": ("duplicate", "x1")}),
    "same two columns": ("index x1 on t(a, b); index x2 on t(a, b)", {"x2": ("duplicate", "x1")}),
    "three of the same": ("index x1 on t(a); index x2 on t(a); index x3 on t(a)",
                          {"x2": ("duplicate", "x1"), "x3": ("duplicate", "x1")}),
    "other order of columns": ("index x1 on t(a, b); index x2 on t(b, a)", {}),
    "first column of two": ("index x1 on t(a); index x2 on t(a, b)", {"x1": ("covered", "x2")}),
    "first columns of three": ("index x1 on t(a, b, c); index x2 on t(a, b)", {"x2": ("covered", "x1")}),
    "second column of two, skip scan or not": ("index x1 on t(b); index x2 on t(a, b)", {}),
    "read backwards": ("index x1 on t(a desc); index x2 on t(a)", {"x1": ("mirrored", "x2")}),
    "both columns backwards": ("index x1 on t(a, b); index x2 on t(a desc, b desc)", {"x2": ("mirrored", "x1")}),
    "one of two backwards": ("index x1 on t(a, b); index x2 on t(a desc, b)", {}),
    "prefix backwards": ("index x1 on t(a desc); index x2 on t(a, b)", {"x1": ("covered", "x2")}),
    "nulls at the other end": ("index x1 on t(a); index x2 on t(a nulls first)", {}),
    "nulls first is desc nulls last backwards": (
        "index x1 on t(a nulls first); index x2 on t(a desc nulls last)", {"x2": ("mirrored", "x1")}),
    "same expression": ("index x1 on t(lower(c)); index x2 on t(lower(c))", {"x2": ("duplicate", "x1")}),
    "other expression": ("index x1 on t(lower(c)); index x2 on t(upper(c))", {}),
    "expressions with commas": (
        "index x1 on t(coalesce(c, 'x, y'), a); index x2 on t(coalesce(c, 'x, y'))", {"x2": ("covered", "x1")}),
    "expressions that differ behind a comma": (
        "index x1 on t(coalesce(c, 'x')); index x2 on t(coalesce(c, 'y'))", {}),
    "column and expression": ("index x1 on t(c); index x2 on t(lower(c))", {}),
    "another operator class": ("index x1 on t(c); index x2 on t(c text_pattern_ops)", {}),
    "another collation": ('index x1 on t(c); index x2 on t(c collate "C")', {}),
    "hash and b-tree": ("index x1 on t using hash (a); index x2 on t(a)", {}),
    "hash twice": ("index x1 on t using hash (a); index x2 on t using hash (a)", {"x2": ("duplicate", "x1")}),
    "gin twice": ("index x1 on t using gin (n); index x2 on t using gin (n)", {"x2": ("duplicate", "x1")}),
    "brin of another range": (
        "index x1 on t using brin (a); index x2 on t using brin (a) with (pages_per_range = 8)", {}),
    "unique twice": ("unique index x1 on t(a); unique index x2 on t(a)", {"x2": ("duplicate", "x1")}),
    "unique and not": ("index x1 on t(a); unique index x2 on t(a)", {"x1": ("shadowed", "x2")}),
    "unique and a wider one that is not": ("unique index x1 on t(a); index x2 on t(a, b)", {}),
    "nulls distinct or not": (
        "unique index x1 on t(a) nulls not distinct; unique index x2 on t(a)", {"x2": ("implied", "x1")}),
    "narrower unique": ("unique index x1 on t(a, b); unique index x2 on t(a)", {"x1": ("implied", "x2")}),
    "unique in another order": ("unique index x1 on t(a, b); unique index x2 on t(b, a)", {"x2": ("implied", "x1")}),
    "included column missing in the other": ("index x1 on t(a) include (b); index x2 on t(a)",
                                             {"x2": ("covered", "x1")}),
    "included column is a key of the other": (
        "index x1 on t(a) include (b); index x2 on t(a, b)", {"x1": ("covered", "x2")}),
    "included column in neither": ("index x1 on t(a) include (c); index x2 on t(a, b)", {}),
    "same predicate": ("index x1 on t(a) where b > 0; index x2 on t(a) where b > 0", {"x2": ("duplicate", "x1")}),
    "other predicate": ("index x1 on t(a) where b > 0; index x2 on t(a) where b > 1", {}),
    "partial and whole": ("index x1 on t(a) where b > 0; index x2 on t(a)", {"x1": ("partial", "x2")}),
    "unique where only a part is": ("unique index x1 on t(a); unique index x2 on t(a) where b > 0",
                                    {"x2": ("implied", "x1")}),
    "unique only in a part": ("index x1 on t(a); unique index x2 on t(a) where b > 0", {}),
}  # fmt: skip
BOUND: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "primary key": ("create index x1 on t(a, b, c)", {"x1": ("shadowed", "t_pkey")}),
    "first columns of the primary key": ("create index x1 on t(a, b)", {"x1": ("covered", "t_pkey")}),
    "unique index beside a constraint": (
        "create unique index x1 on t(d); alter table t add constraint x2 unique (d)", {"x1": ("duplicate", "x2")}),
    "two constraints": ("alter table t add constraint x1 unique (d), add constraint x2 unique (d)",
                        {"x2": ("implied", "x1")}),
    "deferrable constraint": (
        "create unique index x1 on t(d); alter table t add constraint x2 unique (d) deferrable", {}),
    "replica identity": (
        """alter table t alter d set not null; create unique index x1 on t(d); create unique index x2 on t(d);
        alter table t replica identity using index x2""", {"x1": ("duplicate", "x2")}),
    "clustered": ("create index x1 on t(d); create index x2 on t(d); alter table t cluster on x2",
                  {"x1": ("duplicate", "x2")}),
    "referenced by a foreign key": (
        """alter table t add constraint x1 unique (d), add constraint x2 unique (d);
        create table t_child(d text references t(d))""", {"x2": ("implied", "x1")}),
    "exclusion": ("alter table t add constraint x1 exclude using gist (r with &&); create index x2 on t using gist (r)",
                  {"x2": ("duplicate", "x1")}),
    "invalid": ("""create index x1 on t(d); create index x2 on t(d);
                update pg_index set indisvalid = false where indexrelid = 'x1'::regclass""", {}),
    "not ready": ("""create index x1 on t(d); create index x2 on t(d);
                  update pg_index set indisready = false where indexrelid = 'x2'::regclass""", {}),
}  # fmt: skip
KEYS: dict[str, tuple[str, str | None]] = {
    "no index": ("", "missing"),
    "index on the key": ("create index on c(x, y)", None),
    "permuted": ("create index on c(y, x)", None),
    "more columns behind": ("create index on c(y, x, z)", None),
    "another column between": ("create index on c(x, z, y)", "partly"),
    "only the first column": ("create index on c(x)", "partly"),
    "only another column": ("create index on c(z)", "missing"),
    "unrelated partial": ("create index on c(x, y) where z > 0", "missing"),
    "partial of what is not null": ("create index on c(x, y) where x is not null and y is not null", None),
    "partial of what is null": ("create index on c(x, y) where x is null", "missing"),
    "brin": ("create index on c using brin (x, y)", "missing"),
    "hash of one of two": ("create index on c using hash (x)", "partly"),
    "unique with the key in front": ("alter table c add unique (x, y, z)", None),
    "an expression": ("create index on c((x + 0), y)", "missing"),
    "included only": ("create index on c(z) include (x, y)", "missing"),
    "invalid": (
        "create index i on c(x, y); update pg_index set indisvalid = false where indexrelid = 'i'::regclass",
        "missing"),
    "descending": ("create index on c(x desc, y)", None),
}  # fmt: skip
ONE: dict[str, tuple[str, str | None]] = {
    "hash": ("create index on c using hash (x)", None),
    "b-tree in another collation": ('create index on c(x collate "C")', "missing"),
    "pattern operators": ("create index on c(x text_pattern_ops)", None),
    "partial with odd names": (
        'alter table c rename x to "X ""y"; create index on c("X ""y") where "X ""y" is not null', None),
}  # fmt: skip


def statements() -> Iterator[str]:
    for number, (made, _) in enumerate(PAIRS.values()):
        both = "; ".join(f"create {part}" for part in made.split("; "))
        yield f"create schema p{number}; set search_path = p{number}; create table t({UNKEYED}); {both}"
    for number, (made, _) in enumerate(BOUND.values()):
        yield f"create schema b{number}; set search_path = b{number}; create table t({COLUMNS}); {made}"
    for number, (made, _) in enumerate(KEYS.values()):
        yield f"""create schema k{number}; set search_path = k{number};
            create table p(x int, y int, primary key (x, y));
            create table c(x int, y int, z int, foreign key (x, y) references p); {made};
            insert into p values (1, 1), (2, 2); delete from p where x = 2;
            insert into c select 1, 1, i from generate_series(1, 1200) i"""
    for number, (made, _) in enumerate(ONE.values()):
        yield f"""create schema o{number}; set search_path = o{number}; create table p(x text primary key);
            create table c(x text references p, z int); {made};
            insert into p values ('1'); insert into c select '1', i from generate_series(1, 1200) i"""


@pytest.fixture(scope="module")
def findings(server: Server, store_template: str) -> Iterator[dict[str, list[Finding]]]:
    """Findings by schema, of one database that holds every case."""
    run_sql(server, "create database {} template {} owner pilothouse", "truth_store", store_template)
    run_sql(server, "create database {}", "truth")
    database = Database(server, "truth")
    for made in statements():
        database.execute(f"{made}; select")
    database.execute("analyze")
    app = make_app(server, "truth_store")
    watched(app, database)
    by_schema: dict[str, list[Finding]] = defaultdict(list)
    with app.app_context():
        for collector in (collect, judge):
            one_collection(collector)
        for row in db.session.scalars(select(Finding).order_by(Finding.key)):
            by_schema[row.subject.split(".")[0]].append(row)
        db.session.expunge_all()
    yield by_schema
    close(app)
    for name in ("truth_store", "truth"):
        run_sql(server, "drop database {} with (force)", name)
    run_sql(server, "drop role {}", "watch_truth")


def one_collection(collector: Any) -> None:
    target, now = target_by_slug("shop"), datetime.now(UTC)
    with reading(address_of(target)) as reader:
        collector.collect(Collection(target, now, now, reader))
    keep_probe_state(target.id, collector.PROBE, tried_at=now, ended_at=now, rows=1, reason=None)
    db.session.commit()


def redundant(found: list[Finding]) -> dict[str, tuple[str, str]]:
    return {
        row.subject.split(".")[1]: (row.detail["kind"], row.detail["other_index"])
        for row in found
        if "kind" in row.detail
    }


@pytest.mark.parametrize("case", PAIRS)
def test_pairs_of_indexes(case: str, findings: dict[str, list[Finding]]) -> None:
    number = list(PAIRS).index(case)
    assert redundant(findings[f"p{number}"]) == PAIRS[case][1]


@pytest.mark.parametrize("case", BOUND)
def test_indexes_that_are_for_something_else_besides(case: str, findings: dict[str, list[Finding]]) -> None:
    number = list(BOUND).index(case)
    assert redundant(findings[f"b{number}"]) == BOUND[case][1]


@pytest.mark.parametrize("case", KEYS)
def test_foreign_keys_of_two_columns(case: str, findings: dict[str, list[Finding]]) -> None:
    number = list(KEYS).index(case)
    found = [row.detail["state"] for row in findings[f"k{number}"] if row.rule == "unindexed_foreign_key"]
    assert found == ([KEYS[case][1]] if KEYS[case][1] else [])


@pytest.mark.parametrize("case", ONE)
def test_foreign_keys_of_one_column(case: str, findings: dict[str, list[Finding]]) -> None:
    number = list(ONE).index(case)
    found = [row.detail["state"] for row in findings[f"o{number}"] if row.rule == "unindexed_foreign_key"]
    assert found == ([ONE[case][1]] if ONE[case][1] else [])
