"""Indexes as SQL with any names, indexes of the catalogue as shapes, and what plans tell."""

from dataclasses import replace

import pytest

from dashboard.advice.definition import definition, index_name, stable_key
from dashboard.advice.existing import shape
from dashboard.advice.scans import Scan, scans
from dashboard.advice.shapes import IndexShape, Key
from dashboard.advice.trials import Trial, judged
from tests.advice.shop import table

NOBODY = frozenset[str]()


@pytest.mark.parametrize(
    ("index", "sql"),
    [
        (IndexShape((Key("customer_id"), Key("status"))), 'USING btree ("customer_id", "status")'),
        (IndexShape((Key("placed_at", None, True, True),)), 'USING btree ("placed_at" DESC)'),
        (IndexShape((Key("placed_at", None, True, False),)), 'USING btree ("placed_at" DESC NULLS LAST)'),
        (IndexShape((Key("placed_at", None, False, True),)), 'USING btree ("placed_at" NULLS FIRST)'),
        (IndexShape((Key("note", "lower"),)), 'USING btree (lower("note"))'),
        (IndexShape((Key("note", opclass="text_pattern_ops"),)), 'USING btree ("note" text_pattern_ops)'),
        (IndexShape((Key("note", opclass="gin_trgm_ops"),), "gin"), 'USING gin ("note" "ext".gin_trgm_ops)'),
        (IndexShape((Key("id"),), predicate=(("paid", "false"),)), 'USING btree ("id") WHERE NOT "paid"'),
        (
            IndexShape((Key("id"),), predicate=(("paid", "true"), ("shipped_at", "null"))),
            'USING btree ("id") WHERE "paid" AND "shipped_at" IS NULL',
        ),
    ],
)
def test_an_index_is_written_with_what_differs_from_the_usual(index, sql) -> None:
    told = definition(table(), index, taken=NOBODY, trigram_schema="ext")
    assert told.create_sql == f'CREATE INDEX CONCURRENTLY "{told.name}" ON "public"."orders" {sql}'
    assert told.drop_sql == f'DROP INDEX CONCURRENTLY "public"."{told.name}"'


def test_hostile_names_stay_names() -> None:
    odd = replace(table(), schema='a"; drop', name='or"ders')
    told = definition(odd, IndexShape((Key('x") --'),)), taken=NOBODY, trigram_schema=None)
    assert told.create_sql == (
        'CREATE INDEX CONCURRENTLY "ix_or""ders_x"") --" ON "a""; drop"."or""ders" USING btree ("x"") --")'
    )


def test_a_name_fits_and_is_not_taken() -> None:
    index = IndexShape((Key("customer_id"),))
    assert index_name(table(), index, NOBODY) == "ix_orders_customer_id"
    other = index_name(table(), index, frozenset({"ix_orders_customer_id"}))
    assert other.startswith("ix_orders_customer_id_")
    long = index_name(replace(table(), name="ü" * 40), index, NOBODY)
    assert len(long.encode()) <= 63


def test_a_partitioned_table_is_not_indexed_concurrently() -> None:
    told = definition(table(kind="p"), IndexShape((Key("id"),)), taken=NOBODY, trigram_schema=None)
    assert told.create_sql.startswith('CREATE INDEX "ix_orders_id" ON ONLY "public"."orders"')
    assert told.note is not None


def test_the_key_of_advice_tells_methods_directions_and_predicates_apart() -> None:
    several = [
        IndexShape((Key("id"),)),
        IndexShape((Key("id", None, True, True),)),
        IndexShape((Key("id"),), "gin"),
        IndexShape((Key("id"),), predicate=(("paid", "true"),)),
        IndexShape((Key("id", opclass="text_pattern_ops"),)),
    ]
    assert len({stable_key(table(), index) for index in several}) == 5


def read(**changes):
    usual = {
        "name": "i", "method": "btree", "columns": ["note"], "numbers": [9], "options": [0], "expressions": None,
        "predicate": None, "definition": "CREATE INDEX i ON t USING btree (note)", "is_partial": False,
        "is_unique": False, "pages": 10,
    }  # fmt: skip
    return shape(**usual | changes)


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, (Key("note"),)),
        ({"options": [1]}, (Key("note", None, True),)),
        ({"options": [3]}, (Key("note", None, True, True),)),
        ({"definition": "… USING btree (note text_pattern_ops)"}, (Key("note", opclass="text_pattern_ops"),)),
        ({"definition": "… USING gin (note ext.gin_trgm_ops)"}, (Key("note", opclass="gin_trgm_ops"),)),
        ({"definition": None}, (Key("note"),)),
        ({"columns": ["(expression)"], "numbers": [0], "expressions": "lower(note)"}, (Key("note", "lower"),)),
        ({"columns": ["(expression)"], "numbers": [0], "expressions": "lower((note)::text)"}, (Key("note", "lower"),)),
        ({"columns": ["(expression)"], "numbers": [0], "expressions": 'upper("No te")'}, (Key("No te", "upper"),)),
    ],
)
def test_an_index_of_the_catalogue_becomes_a_shape(changes, keys) -> None:
    found = read(**changes)
    assert (found.keys, found.is_readable) == (keys, True)


@pytest.mark.parametrize(
    ("predicate", "limits"),
    [
        ("(shipped_at IS NULL)", (("shipped_at", "null"),)),
        ("(shipped_at IS NOT NULL)", (("shipped_at", "not_null"),)),
        ("paid", (("paid", "true"),)),
        ("(NOT paid)", (("paid", "false"),)),
        ("((shipped_at IS NULL) AND paid)", (("paid", "true"), ("shipped_at", "null"))),
    ],
)
def test_the_predicate_of_a_partial_index_is_read(predicate, limits) -> None:
    found = read(is_partial=True, is_unique=True, predicate=predicate)
    assert (found.predicate, found.is_readable, found.is_unique) == (limits, True, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"is_partial": True, "predicate": "(status = 'open'::text)"},
        {"is_partial": True, "predicate": None},
        {"columns": ["(expression)"], "numbers": [0], "expressions": "(data ->> 'a'::text)"},
        {"columns": ["(expression)"], "numbers": [0], "expressions": None},
    ],
)
def test_an_index_that_is_not_understood_serves_nothing(changes) -> None:
    assert not read(**changes).is_readable


PLAN = {
    "Plan": {
        "Node Type": "Nested Loop", "Total Cost": 1000.0, "Plan Rows": 10,
        "Plans": [
            {"Node Type": "Seq Scan", "Relation Name": "orders", "Schema": "public", "Total Cost": 600.0,
             "Plan Rows": 10},
            {"Node Type": "Bitmap Heap Scan", "Relation Name": "customers", "Total Cost": 30.0, "Plan Rows": 1,
             "Plans": [{"Node Type": "Bitmap Index Scan", "Index Name": "by_id", "Total Cost": 4.0}]},
        ],
    }
}  # fmt: skip


def test_a_plan_tells_how_each_table_is_read_and_its_share() -> None:
    found = {scan.table: scan for scan in scans(PLAN)}
    assert found["orders"] == Scan("public", "orders", "Seq Scan", None, 0.6)
    assert (found["customers"].index, found["customers"].cost_share) == ("by_id", 0.3)


@pytest.mark.parametrize("plan", [None, [], {}, "x", [1], {"Plan": None}, {"Plan": {"Plans": "x"}}])
def test_what_is_no_plan_has_no_scans(plan) -> None:
    assert scans(plan) == ()


def test_the_planner_has_the_last_word() -> None:
    used, unused = Trial(1000, 10, is_used=True), Trial(1000, 1000, is_used=False)
    assert judged([]) is None
    verdicts = [judged([used, unused]), judged([unused]), judged([Trial(1000, 990, is_used=True)])]
    assert [verdict.is_confirmed for verdict in verdicts if verdict] == [True, False, False]
    assert verdicts[0].sentence == (
        "HypoPG tried it: the planner would use it for 1 of 2 queries tried, at a cost of 10 instead of 1,000."
    )


def test_a_trial_is_made_of_two_plans() -> None:
    after = {"Plan": {"Node Type": "Index Scan", "Relation Name": "t", "Index Name": "<1>x", "Total Cost": 8.0}}
    assert Trial.of(PLAN, after, "<1>x") == Trial(1000.0, 8.0, is_used=True)
    assert not Trial.of(PLAN, after, "<2>y").is_used
