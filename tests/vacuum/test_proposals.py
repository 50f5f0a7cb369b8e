"""How many rows die a day, and the settings that are proposed for it: without a server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.vacuum.dying import Dying, continued, per_day
from dashboard.vacuum.proposals import findings
from dashboard.vacuum.rows import Counters, Table, table_of
from tests.vacuum.test_rows import PRIMARY, ROW, STANDBY

NOW = datetime(2026, 11, 14, 12, tzinfo=UTC)
DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
MILLION = ROW | {"tuples": 1e6, "dead_rows": 0}
WEEK = Dying(NOW - 7 * DAY)


def seen(dying: Dying, **told: object) -> dict[str, object]:
    return ROW | {"dead_rows": 100} | told | vars(dying)


def table(dying: Dying, **told: object) -> Table:
    return table_of(MILLION | told, PRIMARY, dying)


def proposed(one: Table, counters: Counters = PRIMARY) -> list[str]:
    return [found.rule for found in findings([one], counters, "shop", NOW)]


def test_the_first_look_counts_from_there_on() -> None:
    assert continued(None, ROW, NOW) == Dying(NOW, 0, None)
    assert continued(None, ROW | {"autovacuum_ms": 90.0}, NOW) == Dying(NOW, 0, 0.0)


@pytest.mark.parametrize(
    ("told", "died"),
    [
        ({"dead_rows": 130}, 30),
        ({"dead_rows": 20, "autovacuums": 1}, 0),
        ({"dead_rows": 130, "autoanalyzes": 1}, 0),
        ({"dead_rows": 100}, 0),
    ],
)
def test_only_rises_that_no_analyze_explains_are_rows_that_died(told, died) -> None:
    found = continued(seen(replace(WEEK, died_rows=5)), ROW | told, NOW)
    assert (found.died_since, found.died_rows) == (WEEK.died_since, 5 + died)


def test_counters_that_fell_begin_again() -> None:
    before = seen(replace(WEEK, died_rows=500), autovacuums=3)
    assert continued(before, ROW | {"dead_rows": 900, "autovacuums": 0}, NOW) == Dying(NOW)
    assert continued(seen(Dying(NOW)), ROW, NOW - DAY) == Dying(NOW - DAY)


def test_what_is_older_than_two_weeks_is_forgotten_by_halves() -> None:
    before = seen(Dying(NOW - 15 * DAY, 300, 60.0), autovacuum_ms=500.0)
    found = continued(before, ROW | {"dead_rows": 200, "autovacuum_ms": 540.0}, NOW)
    assert found == Dying(NOW - 7.5 * DAY, 200, 50.0)


def test_a_rate_takes_two_days() -> None:
    assert per_day(700, NOW - 7 * DAY, NOW) == 100
    assert per_day(700, NOW - 2 * DAY + QUARTER, NOW) is None


def test_a_large_table_that_is_vacuumed_seldom_gets_a_factor_of_its_own() -> None:
    [found] = findings([table(replace(WEEK, died_rows=140_000))], PRIMARY, "shop", NOW)
    assert (found.key, found.level) == ("autovacuum_seldom:public.orders", "info")
    assert found.title == "Autovacuum comes to orders about every 10 days"
    assert found.why.endswith("With a scale factor of 0.02 it would come about every day.")
    assert found.remedy is not None
    assert found.remedy.up == ('ALTER TABLE "public"."orders" SET (autovacuum_vacuum_scale_factor = 0.02)',)
    assert found.remedy.down == ('ALTER TABLE "public"."orders" RESET (autovacuum_vacuum_scale_factor)',)
    assert found.since == WEEK.died_since


def test_the_way_back_is_what_the_table_had() -> None:
    own = table(replace(WEEK, died_rows=280_000), options=["autovacuum_vacuum_scale_factor=0.3"], kind="m")
    [found] = findings([own], PRIMARY, "shop", NOW)
    assert found.remedy is not None
    head = 'ALTER MATERIALIZED VIEW "public"."orders"'
    assert found.remedy.down == (f"{head} SET (autovacuum_vacuum_scale_factor = 0.3)",)


@pytest.mark.parametrize(
    ("dying", "told"),
    [
        (Dying(NOW - DAY, 20_000), {}),
        (replace(WEEK, died_rows=7_000), {}),
        (replace(WEEK, died_rows=700_000), {}),
        (replace(WEEK, died_rows=1_400), {"tuples": 9_000.0}),
        (replace(WEEK, died_rows=140_000), {"options": ["autovacuum_vacuum_scale_factor=0.02"]}),
        (WEEK, {}),
    ],
    ids=["too short", "hardly anything dies", "often enough", "small", "has its own", "nothing dies"],
)
def test_nothing_is_proposed_without_need_or_evidence(dying, told) -> None:
    assert proposed(table(dying, **told)) == []


def test_a_table_that_autovacuum_may_not_touch_is_given_back_to_it() -> None:
    off = {"options": ["autovacuum_enabled=off"], "dead_rows": 300_000}
    [found] = findings([table(WEEK, **off)], PRIMARY, "shop", NOW)
    assert (found.rule, found.level) == ("autovacuum_off", "warning")
    assert found.remedy is not None
    assert found.remedy.up == ('ALTER TABLE "public"."orders" RESET (autovacuum_enabled)',)
    assert found.remedy.down == ('ALTER TABLE "public"."orders" SET (autovacuum_enabled = off)',)
    assert proposed(table(WEEK, **off | {"dead_rows": 900})) == []


def test_one_that_is_worked_on_all_the_time_and_due_may_be_worked_on_faster() -> None:
    week_ms = 7 * DAY / timedelta(milliseconds=1)
    busy = table(replace(WEEK, vacuumed_ms=0.6 * week_ms), dead_rows=300_000)
    [found] = findings([busy], PRIMARY, "shop", NOW)
    assert found.rule == "autovacuum_slow"
    assert found.why.startswith("For 60 % of the last 7 d it was at work on this table, which is at 150 %")
    assert proposed(busy._replace(due_share=0.9)) == []
    assert proposed(busy._replace(vacuumed_ms=None)) == []


def test_on_a_standby_or_without_autovacuum_nothing_is_proposed() -> None:
    one = table(replace(WEEK, died_rows=140_000))
    stopped = replace(PRIMARY, settings={**PRIMARY.settings, "autovacuum": "off"})
    assert (proposed(one, STANDBY), proposed(one, stopped)) == ([], [])
