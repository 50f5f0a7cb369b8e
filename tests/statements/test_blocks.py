"""Windows made of days, hours and tens of minutes hold exactly the readings that they are asked for."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.statements.blocks import LEVELS, began, closed, cover

MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 20, 22, 57, tzinfo=UTC)


def held(parts, slots, built) -> list[datetime]:
    """Every reading as often as the parts hold it."""
    found = []
    for part in parts:
        if part.minutes:
            assert (part.until - part.since) % timedelta(minutes=part.minutes) == timedelta(0)
            assert part.until <= built
            found += [slot for slot in slots if part.since <= slot < part.until]
        else:
            found += [slot for slot in slots if part.since <= slot <= part.until]
    return sorted(found)


@pytest.mark.parametrize("seed", range(60))
def test_every_reading_of_the_window_is_held_once(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - made readings
    slots = [START + number * MINUTE for number in range(4_000) if chance.random() > 0.3]
    slots = [slot + timedelta(seconds=chance.choice((0, 0, 17))) for slot in slots]
    low, high = sorted(chance.sample(range(1, len(slots)), 2))
    fine = slots[chance.randrange(len(slots))] if chance.random() < 0.5 else START
    parts = cover(slots[low], slots[low - 1], slots[high], {10: fine})
    assert held(parts, slots, slots[high]) == slots[low : high + 1]
    assert not [part for part in parts if part.minutes == LEVELS[0] and part.since < fine]


def test_a_week_is_a_few_parts() -> None:
    first = datetime(2026, 11, 14, 9, 23, tzinfo=UTC)
    parts = cover(first, first - MINUTE, first + timedelta(days=7), {10: first - MINUTE})
    assert [part.minutes for part in parts if part.minutes] == [1440, 360, 360, 60, 60, 10, 10]
    assert sum(((part.until - part.since) for part in parts if not part.minutes), timedelta()) < 20 * MINUTE


def test_a_block_is_closed_by_the_first_reading_after_it() -> None:
    at = datetime(2026, 11, 20, 23, 59, tzinfo=UTC)
    assert closed(at - MINUTE, at) == []
    assert [minutes for minutes, _ in closed(at, at + MINUTE)] == [10, 60, 360, 1440, 10080]
    assert closed(at, at + 9 * MINUTE) == closed(at, at + MINUTE)


def test_a_clock_set_back_closes_the_block_anew() -> None:
    at = datetime(2026, 11, 20, 23, 41, tzinfo=UTC)
    assert closed(at, at - 15 * MINUTE) == [(10, began(at - 15 * MINUTE, 10))]
