"""Bars that stand on each other, and what a bar is made of."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.activity.shares import (
    REST,
    Family,
    Kind,
    by_application,
    by_family,
    by_user,
    by_wait,
    class_of,
    minute_of,
    step_of,
)  # fmt: skip
from dashboard.activity.stacks import Bucket, Layer, missing, stack

AT = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KINDS = [
    Kind("CPU", None, 1, "web", "shop", 6),
    Kind("Lock", "relation", 2, "web", "shop", 3),
    Kind("Client", "ClientRead", None, "", "", 1),
]


def test_layers_stand_on_each_other_from_the_floor() -> None:
    buckets = [Bucket(AT, {"Lock": 1.0, "CPU": 3.0}), Bucket(AT + MINUTE, {})]
    found = stack(buckets, ("CPU", "IO", "Lock"), MINUTE, (AT, AT + 2 * MINUTE))
    assert found is not None
    assert found.names == ("CPU", "Lock")
    assert found.bars[0].layers == (Layer(1, 50.0, 150.0), Layer(2, 0.0, 50.0))
    assert [(bar.x, bar.width, bar.total) for bar in found.bars] == [(0.0, 500.0, 4.0), (500.0, 500.0, 0)]
    assert found.gaps == ()


def test_nothing_measured_is_no_chart_and_nobody_busy_is_one() -> None:
    assert stack([], ("CPU",), MINUTE, (AT, AT + HOUR)) is None
    assert stack([Bucket(AT, {})], ("CPU",), MINUTE, (AT, AT + HOUR)).names == ("CPU",)


def test_a_bar_that_sticks_out_is_cut_at_the_edges() -> None:
    span = (AT + MINUTE / 2, AT + 1.5 * MINUTE)
    found = stack([Bucket(AT, {"CPU": 1}), Bucket(AT + MINUTE, {"CPU": 1})], ("CPU",), MINUTE, span)
    assert [(bar.x, bar.width) for bar in found.bars] == [(0.0, 500.0), (500.0, 500.0)]


@pytest.mark.parametrize(
    ("known", "gaps"),
    [
        ([0, 1, 2, 3, 4], []),
        ([0, 1, 2, 3], []),
        ([0, 1, 4], [(2, 4)]),
        ([3, 4], [(0, 3)]),
        ([0], [(1, 5)]),
        ([], [(0, 5)]),
    ],
)
def test_where_nobody_looked_is_a_gap_but_the_minute_under_way_is_not(known: list[int], gaps: list) -> None:
    found = missing([AT + n * MINUTE for n in known], MINUTE, (AT, AT + 5 * MINUTE))
    assert [((a - AT) / MINUTE, (b - AT) / MINUTE) for a, b in found] == gaps


def test_parts_are_sessions_at_once_and_shares_of_all() -> None:
    assert [(one.name, one.active, one.share) for one in by_application(KINDS, 10)] == [
        ("web", 0.9, 0.9), ("no name", 0.1, 0.1),
    ]  # fmt: skip
    assert [one.name for one in by_wait(KINDS, 10)] == [
        "CPU: waits for nothing",
        "Lock: relation",
        "Client: ClientRead",
    ]
    assert [one.name for one in by_user(KINDS, 10)] == ["shop", "none"]
    assert by_wait(KINDS, 10)[1].blocked == 0.3


def test_numbers_of_one_family_count_together_and_unknown_ones_say_why() -> None:
    known = {1: Family(7, "select ?"), 2: Family(7, "select ?")}
    found = by_family(KINDS, 10, known)
    assert [(one.id, one.active) for one in found] == [(7, 0.9), (None, 0.1)]
    assert found[1].text.startswith("no query id")
    assert by_family(KINDS[:1], 10, {})[0].text == "not among the stored statements"


def test_no_look_is_no_share() -> None:
    assert by_user(KINDS, 0) == []
    assert by_user([], 10) == []


def test_rare_classes_are_told_as_one() -> None:
    assert [class_of(name) for name in ("CPU", "Lock", "Timeout", "Extension", "other")] == ["CPU", "Lock", *[REST] * 3]


@pytest.mark.parametrize(
    ("window", "step"),
    [(HOUR, MINUTE), (3 * HOUR, MINUTE), (6 * HOUR, 2 * MINUTE), (DAY, 10 * MINUTE), (7 * DAY, HOUR),
     (30 * DAY, 6 * HOUR), (60 * DAY, 12 * HOUR), (200 * DAY, DAY)],
)  # fmt: skip
def test_a_window_has_at_most_180_bars(window: timedelta, step: timedelta) -> None:
    assert step_of(window, 7 * DAY, 90 * DAY, window) == step


def test_a_bar_of_long_ago_is_as_long_as_what_is_kept_of_then() -> None:
    assert [step_of(HOUR, 7 * DAY, 90 * DAY, days * DAY) for days in (7, 8, 91)] == [MINUTE, HOUR, DAY]


@pytest.mark.parametrize(
    ("text", "is_known"), [("2026-11-21T14:32:00.000Z", True), ("2026-11-21T14:32", False), ("x", False)]
)
def test_a_moment_needs_its_zone(text: str, is_known: bool) -> None:
    assert (minute_of(text) is not None) == is_known
