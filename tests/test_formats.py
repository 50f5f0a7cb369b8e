"""Numbers and times as a person reads them, and as CSV carries them."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from dashboard import formats

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "0.98 kB"),
        (1536, "1.5 kB"),
        (10 * 1024**2, "10 MB"),
        (1_503_238_553, "1.4 GB"),
        (5 * 1024**4, "5 TB"),
        (-2048, "\N{MINUS SIGN}2 kB"),
    ],
)
def test_bytes_have_three_digits_and_a_unit(value: int | None, text: str) -> None:
    assert formats.bytes_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "unknown"),
        (0, "0"),
        (9999, "9\N{NARROW NO-BREAK SPACE}999"),
        (10_000, "10 k"),
        (12_345_678, "12.3 M"),
        (999_499, "999 k"),
        (999_500, "1 M"),
        (0.25, "0.25"),
        (5_000_000_000_000, "5 T"),
    ],
)
def test_counts_are_exact_when_small_and_short_when_large(value: float | None, text: str) -> None:
    assert formats.count_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "unknown"), (0.416, "0.42 ms"), (12.34, "12.3 ms"), (1234, "1.23 s"), (250_000, "4 min 10 s")],
)
def test_milliseconds_grow_into_seconds_and_minutes(value: float | None, text: str) -> None:
    assert formats.ms_text(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45, "45 s"), (250, "4 min 10 s"), (11_100, "3 h 5 min"), (187_200, "2 d 4 h"), (86_400, "1 d")],
)
def test_durations_show_their_two_largest_units(seconds: int, text: str) -> None:
    assert formats.duration_text(timedelta(seconds=seconds)) == text


def test_ages_have_one_unit_and_know_the_future_and_never() -> None:
    assert formats.ago_text(NOW - timedelta(seconds=14), NOW) == "14 s ago"
    assert formats.ago_text(NOW - timedelta(hours=3, minutes=5), NOW) == "3 h ago"
    assert formats.ago_text(NOW + timedelta(minutes=3), NOW) == "in 3 min"
    assert formats.ago_text(None, NOW) == "never"


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "unknown"), (0, "0 %"), (0.0001, "< 0.1 %"), (0.1234, "12.3 %"), (0.9996, "100 %"), (1, "100 %")],
)
def test_a_share_that_is_not_nothing_never_reads_as_zero(share: float | None, text: str) -> None:
    assert formats.percent_text(share) == text


@pytest.mark.parametrize(("minutes", "text"), [(15, "15m"), (60, "1h"), (90, "90m"), (1440, "1d"), (10_080, "7d")])
def test_windows_are_written_as_the_url_takes_them(minutes: int, text: str) -> None:
    assert formats.window_text(timedelta(minutes=minutes)) == text


def test_times_leave_as_utc_with_z() -> None:
    local = datetime(2026, 11, 1, 13, 30, tzinfo=timezone(timedelta(hours=1)))
    assert formats.json_value({"at": [local]}) == {"at": ["2026-11-01T12:30:00.000Z"]}


def test_decimals_leave_as_numbers() -> None:
    assert formats.json_value(Decimal(5)) == 5
    assert formats.json_value(Decimal("5.5")) == 5.5


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_no_cell_becomes_a_formula(text: str) -> None:
    assert formats.csv_value(text) == f"'{text}"


def test_numbers_in_cells_stay_numbers() -> None:
    assert formats.csv_value(-1.5) == "-1.5"
    assert formats.csv_value(None) == ""
    assert formats.csv_value(value=True) == "true"


def test_what_would_turn_the_order_of_characters_is_written_out() -> None:
    assert formats.visible('"\u202e\u2066gpj.exe"') == '"\\u202e\\u2066gpj.exe"'
    assert formats.visible("שלום é 👩‍🚀") == "שלום é 👩‍🚀"
