"""Where sequences end and when: truth tables and made series, without a server."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.vacuum import forecast as forecasts
from dashboard.vacuum import sequences
from dashboard.vacuum.forecast import forecast
from dashboard.vacuum.sequences import Seen, reach, state_of

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)
INT4, INT8 = 2**31 - 1, 2**63 - 1
ROW = {
    "oid": 1, "schema": "public", "name": "orders_id_seq", "data_type": "bigint", "start_value": 1, "increment": 1,
    "min_value": 1, "max_value": INT8, "is_cyclic": False, "may_read": True, "column_schema": "public",
    "column_table": "orders", "column_name": "id", "column_type": "integer", "is_reference": False,
    "column_low": -(2**31), "column_high": INT4,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "last", "limit", "share"),
    [
        ({}, 2**30, INT4, 0.5),
        ({"max_value": 1000}, 501, 1000, 0.5005),
        ({"column_high": None, "max_value": 101}, 51, 101, 0.5),
        ({"column_high": INT8}, 2**62, INT8, 0.5),
        ({}, INT4 + 10, INT4, 1.0),
        ({}, None, INT4, None),
        ({"increment": -1, "max_value": -1, "min_value": -1001}, -501, -1001, 0.5),
        ({"increment": -1, "max_value": -1, "min_value": -(2**63)}, -(2**30), -(2**31), 0.5),
        ({"increment": 10, "max_value": 1001}, 501, 1001, 0.5),
    ],
)
def test_a_sequence_ends_at_the_first_of_its_own_bound_and_the_columns(changes, last, limit, share) -> None:
    found = reach(ROW | changes, last)
    assert found.limit == limit
    assert found.used_share == (None if share is None else pytest.approx(share, abs=0.002))


def series(days: int, step: int, start: int = 0) -> list[tuple[datetime, int]]:
    return [(NOW - (days - 1 - day) * DAY, start + step * day) for day in range(days)]


def test_a_steady_series_has_a_date() -> None:
    found = forecast(series(10, 100), 10_900)
    assert found.per_day == 100
    assert found.earliest == found.latest == NOW + 100 * DAY


def test_a_noisy_series_has_an_interval_around_the_truth() -> None:
    noisy = [(at, value + (37 * index) % 90) for index, (at, value) in enumerate(series(30, 100))]
    found = forecast(noisy, 20_000)
    assert found.per_day == pytest.approx(100, rel=0.1)
    assert found.earliest < NOW + 171 * DAY < found.latest


@pytest.mark.parametrize(
    ("points", "limit", "note"),
    [
        (series(6, 100), 10_000, forecasts.TOO_FEW),
        (series(30, 0, 5), 10_000, forecasts.STILL),
        ([*series(20, 100)[:-3], *[(NOW - day * DAY, day) for day in (2, 1, 0)]], 10_000, forecasts.TOO_FEW),
        ([(at, 5_000 if index > 6 else 10) for index, (at, _) in enumerate(series(14, 1))], 10_000, None),
        (series(10, 1), INT4, forecasts.FAR),
    ],
)
def test_days_that_carry_no_forecast_get_none_with_the_reason(points, limit, note) -> None:
    found = forecast(points, limit)
    assert found.earliest is None
    assert found.note == (note or found.note)
    assert found.note is not None


def seen(last: int | None, **changes) -> Seen:
    known = {"values": {1: last}, "known": {}, "a_week_ago": {}, "slot": NOW} | changes
    return Seen(**known)


def test_an_unknown_value_says_why_and_is_never_a_number() -> None:
    assert state_of(ROW | {"may_read": False}, seen(None, values={}), None)["note"] == sequences.NO_RIGHT
    unused = state_of(ROW, seen(None), None)
    assert (unused["note"], unused["used_share"], unused["forecast_note"]) == (sequences.UNUSED, None, None)
    locked = state_of(ROW, seen(None, values={}, known={1: (77, NOW - DAY)}), None)
    assert (locked["note"], locked["last_value"], locked["sampled_at"]) == (sequences.LOCKED, 77, NOW - DAY)


def test_a_sequence_that_cycles_before_its_column_is_full_never_runs_out() -> None:
    cyclic = ROW | {"is_cyclic": True, "max_value": 1000}
    assert state_of(cyclic, seen(999), None)["forecast_note"] == sequences.CYCLES
    assert not sequences.asks_forecast(cyclic, 999)
    assert sequences.asks_forecast(ROW | {"is_cyclic": True}, INT4 // 2)
    assert sequences.findings([state_of(cyclic, seen(999), None)], "shop", NOW) == []


def test_the_rate_needs_a_day_and_counts_downwards_too() -> None:
    assert state_of(ROW, seen(500, a_week_ago={1: (NOW - DAY / 2, 100)}), None)["ids_per_day"] is None
    assert state_of(ROW, seen(500, a_week_ago={1: (NOW - 4 * DAY, 100)}), None)["ids_per_day"] == 100
    down = ROW | {"increment": -1, "max_value": -1, "min_value": -(2**31)}
    days = [(at, -value) for at, value in series(9, 1000, 2_147_000_000 - 9000)]
    state = state_of(down, seen(-2_147_000_000, a_week_ago={1: (NOW - 4 * DAY, -2_146_996_000)}), days)
    assert state["ids_per_day"] == 1000
    assert state["exhausted_from"].year == 2027


@pytest.mark.parametrize(
    ("last", "level"),
    [(int(INT4 * 0.79), None), (int(INT4 * 0.8), "warning"), (int(INT4 * 0.95), "critical")],
)
def test_a_finding_from_eighty_percent_on(last, level) -> None:
    found = sequences.findings([state_of(ROW, seen(last), None)], "shop", NOW)
    assert [one.level for one in found] == ([level] if level else [])
    if found:
        assert found[0].key == "sequence_exhaustion:public.orders_id_seq"
        assert (found[0].remedy.up, "bigint" in found[0].remedy.note) == ((), True)


def test_a_date_within_a_year_is_a_finding_before_eighty_percent() -> None:
    step = INT4 // 500
    days = series(9, step, INT4 // 2 - 9 * step)
    [found] = sequences.findings([state_of(ROW, seen(INT4 // 2), days)], "shop", NOW)
    assert found.level == "warning"
    assert "at the present rate" in found.why


def test_a_sequence_narrower_than_its_column_is_widened_by_one_statement() -> None:
    narrow = ROW | {"data_type": "integer", "max_value": INT4, "column_type": "bigint", "column_high": INT8}
    [found] = sequences.findings([state_of(narrow, seen(INT4 - 5), None)], "shop", NOW)
    assert found.remedy.up == (f'ALTER SEQUENCE "public"."orders_id_seq" AS bigint MAXVALUE {INT8}',)
    assert found.remedy.down == (f'ALTER SEQUENCE "public"."orders_id_seq" AS integer MAXVALUE {INT4}',)
