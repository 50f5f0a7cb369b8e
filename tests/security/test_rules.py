"""Decisions of sign-in, without a store: how long one waits, what a browser is called."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.security.rules import browser_words, wait_s

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"


@pytest.mark.parametrize(
    ("failures", "age_s", "expected"),
    [(0, 0, 0), (5, 0, 0), (6, 0, 2), (6, 0.5, 2), (6, 2, 0), (7, 1, 3), (10, 0, 32), (40, 0, 300), (40, 301, 0)],
)
def test_the_wait_doubles_to_five_minutes_and_counts_from_the_last_failure(failures, age_s, expected) -> None:
    last = NOW - timedelta(seconds=age_s)
    times = [last - timedelta(seconds=10 * number) for number in range(failures)]
    assert wait_s(times, NOW, free=5, longest_s=300) == expected


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [(FIREFOX, "Firefox on Linux"), (SAFARI, "Safari on iPhone"), ("curl/8.5", "curl/8.5"), ("", "unknown")],
)
def test_a_session_says_what_one_sat_at(user_agent, words) -> None:
    assert browser_words(user_agent) == words
