"""What is said of single calls is true of every list of calls that has these sums."""

import random
import statistics

import pytest

from dashboard.statements.latency import Means, interval_means, latency, longest_call

CHANCE = random.Random(7)  # noqa: S311 - made calls
CALLS = {
    "even": [5.0] * 40,
    "one outlier": [1.0] * 199 + [500.0],
    "two kinds": [2.0] * 60 + [80.0] * 40,
    "lognormal": [CHANCE.lognormvariate(1, 1) for _ in range(500)],
    "single": [12.5],
    "pair": [3.0, 9.0],
}


def sums(times_ms: list[float]) -> tuple[int, float, float]:
    return len(times_ms), sum(times_ms), sum(time * time for time in times_ms)


def percentile(times_ms: list[float], percent: int) -> float:
    return sorted(times_ms)[-(-len(times_ms) * percent // 100) - 1]


@pytest.mark.parametrize("times_ms", CALLS.values(), ids=CALLS.keys())
def test_mean_and_deviation_are_exact(times_ms: list[float]) -> None:
    told = latency(*sums(times_ms), None, None)
    assert told is not None
    assert told.mean_ms == pytest.approx(statistics.mean(times_ms))
    assert told.stddev_ms == pytest.approx(statistics.pstdev(times_ms), abs=1e-6)


@pytest.mark.parametrize("known_max", [True, False], ids=["with the longest", "from sums alone"])
@pytest.mark.parametrize("times_ms", CALLS.values(), ids=CALLS.keys())
def test_bounds_hold(times_ms: list[float], known_max: bool) -> None:
    told = latency(*sums(times_ms), max(times_ms) if known_max else None, max(times_ms) if known_max else None)
    assert told is not None
    assert told.p95_at_most_ms >= percentile(times_ms, 95) - 1e-6
    assert told.p99_at_most_ms >= percentile(times_ms, 99) - 1e-6
    assert told.max_bound_ms >= max(times_ms) - 1e-6
    assert told.is_max_exact is known_max


def test_the_factors_are_those_of_cantelli() -> None:
    told = latency(100, 1000.0, 100 * (100.0 + 1.0), None, None)
    assert told is not None
    assert told.p95_at_most_ms == pytest.approx(10 + 4.3589, abs=1e-3)
    assert told.p99_at_most_ms == pytest.approx(10 + 9.9499, abs=1e-3)


def test_a_modelled_value_is_near_where_the_model_fits_and_never_beyond_what_is_possible() -> None:
    lognormal = [CHANCE.lognormvariate(2, 0.5) for _ in range(20_000)]
    told = latency(*sums(lognormal), None, None)
    assert told is not None
    assert told.p95_modelled_ms == pytest.approx(percentile(lognormal, 95), rel=0.05)
    pair = latency(*sums([1.0, 100.0]), None, None)
    assert pair is not None
    assert pair.p99_modelled_ms <= 100.0


def test_without_a_call_nothing_is_said() -> None:
    assert latency(0, 0.0, 0.0, None, None) is None
    assert longest_call(0, 0.0, 0.0, before=(1.0, None), after=(1.0, None)) == (None, None)


@pytest.mark.parametrize(
    ("calls", "before", "after", "expected"),
    [
        ([4.0, 6.0, 9.0], (5.0, "a"), (9.0, "a"), (9.0, 9.0)),
        ([4.0, 6.0, 8.0], (8.2, "a"), (8.2, "a"), (None, 8.2)),
        ([4.0], (900.0, "a"), (900.0, "a"), (4.0, 4.0)),
        ([4.0, 6.0, 9.0], (50.0, "a"), (6.0, "b"), (6.0, pytest.approx(9.24, abs=0.01))),
        ([4.0, 6.0, 9.0], (50.0, "a"), (0.0, "b"), (None, pytest.approx(9.24, abs=0.01))),
        ([4.0, 6.0, 9.0], (None, None), (70.0, None), (None, pytest.approx(9.24, abs=0.01))),
        ([4.0, 6.0, 9.0], (0.0, "a"), (9.0, "a"), (9.0, 9.0)),
    ],
    ids=["rose", "did not rise", "one call", "reset within", "reset, not called since", "never told", "new"],
)
def test_the_longest_call_is_exact_bounded_or_partly_known(calls, before, after, expected) -> None:
    assert longest_call(*sums(calls), before=before, after=after) == expected


def test_interval_means_are_weighted_with_their_calls() -> None:
    assert interval_means([(10, 100.0), (0, 0.0), (1, 500.0)]) == Means(2, 10.0, 10.0, 500.0)
    assert interval_means([(10, 100.0)]) is None
