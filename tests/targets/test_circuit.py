"""When a target is tried again, and which probes are due."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.targets.circuit import Circuit, delay_s
from dashboard.targets.timetable import is_due, slot_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_waits_double_up_to_a_minute():
    waits = [delay_s(failures, lasting=False, jitter=0.5) for failures in range(1, 10)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert (delay_s(3, lasting=False, jitter=0), delay_s(3, lasting=False, jitter=1)) == (3, 5)


def test_a_wrong_password_waits_five_minutes_at_once():
    assert delay_s(1, lasting=True, jitter=0) == 300


def test_an_open_circuit_lets_one_caller_try_after_the_wait():
    circuit = Circuit()
    assert circuit.admits(0)
    circuit.failed(0, "gone", lasting=False, jitter=0.5)
    assert [circuit.admits(at) for at in (0.5, 1.5, 1.6)] == [False, True, False]
    circuit.succeeded()
    assert circuit.admits(1.7)


def test_failures_in_a_row_wait_longer():
    circuit = Circuit()
    for at in (0.0, 2.0, 5.0):
        circuit.failed(at, "gone", lasting=False, jitter=0.5)
    assert [circuit.admits(at) for at in (8.9, 9.1)] == [False, True]


@pytest.mark.parametrize(
    ("cadence", "ago", "due"),
    [
        ("minute", timedelta(minutes=1), True),
        ("minute", timedelta(seconds=1), True),
        ("minute", timedelta(0), False),
        ("minute", timedelta(seconds=-2), False),
        ("five_minutes", timedelta(minutes=4), False),
        ("five_minutes", timedelta(minutes=4, seconds=58), True),
        ("quarter_hour", timedelta(minutes=14), False),
        ("quarter_hour", timedelta(hours=3), True),
        ("hour", timedelta(minutes=59, seconds=58), True),
    ],
)
def test_a_slot_is_due_once(cadence, ago, due):
    assert is_due(cadence, NOON, NOON - ago) is due


def test_what_was_never_tried_is_due():
    assert is_due("hour", NOON, None)


def test_a_slot_is_a_whole_minute():
    assert slot_of(NOON + timedelta(seconds=59, microseconds=3)) == NOON
