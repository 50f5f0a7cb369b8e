"""What the sums of a window say about single calls: exact, bounded or modelled, and each named so (pure).

Exact are mean and population standard deviation. No percentile is known: Cantelli's inequality bounds it from above,
and so does the longest call. A lognormal distribution of the same mean and deviation gives a modelled value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CANTELLI = {95: math.sqrt(0.95 / 0.05), 99: math.sqrt(0.99 / 0.01)}
NORMAL = {95: 1.6448536269514722, 99: 2.3263478740408408}


@dataclass(frozen=True)
class Latency:
    """Times of the calls of a window in ms. `max_ms` is the longest call that is known, `max_bound_ms` what none
    exceeded; when both are the same, the longest call is known exactly.
    """

    mean_ms: float
    stddev_ms: float
    max_ms: float | None
    max_bound_ms: float | None
    p95_at_most_ms: float
    p99_at_most_ms: float
    p95_modelled_ms: float | None
    p99_modelled_ms: float | None

    @property
    def is_max_exact(self) -> bool:
        return self.max_ms is not None and self.max_ms == self.max_bound_ms


@dataclass(frozen=True)
class Means:
    """How the means of the intervals of a window are distributed, each weighted with its calls: no percentiles."""

    intervals: int
    low_ms: float
    median_ms: float
    high_ms: float


def deviation(calls: float, total_ms: float, squares_ms2: float) -> float | None:
    """Population standard deviation in ms; None without a call."""
    if not calls:
        return None
    return math.sqrt(max(0.0, squares_ms2 / calls - (total_ms / calls) ** 2))


def latency(
    calls: int, total_ms: float, squares_ms2: float, max_ms: float | None, max_bound_ms: float | None
) -> Latency | None:
    """What can be said of the times of these calls; None without a call."""
    spread = deviation(calls, total_ms, squares_ms2)
    if spread is None:
        return None
    mean = total_ms / calls
    bound = longest_possible(calls, mean, spread)
    bound = bound if max_bound_ms is None else min(bound, max_bound_ms)
    if max_ms is not None:
        bound = max(bound, max_ms)
    return Latency(
        mean,
        spread,
        max_ms,
        bound,
        *(min(bound, mean + factor * spread) for factor in CANTELLI.values()),
        *(modelled(mean, spread, percent, bound) for percent in NORMAL),
    )


def longest_possible(calls: int, mean_ms: float, stddev_ms: float) -> float:
    """No value is further above the mean than sd·√(n-1) (Samuelson's inequality); one or two calls are exact."""
    return mean_ms + stddev_ms * math.sqrt(max(0, calls - 1))


def modelled(mean_ms: float, stddev_ms: float, percent: int, bound_ms: float) -> float | None:
    """The percentile of a lognormal distribution with this mean and deviation, never beyond what is possible."""
    if mean_ms <= 0:
        return None
    variance = math.log1p((stddev_ms / mean_ms) ** 2)
    value = math.exp(math.log(mean_ms) - variance / 2 + NORMAL[percent] * math.sqrt(variance))
    return min(value, bound_ms)


def interval_means(intervals: Sequence[tuple[int, float]]) -> Means | None:
    """From (calls, total ms) of each interval: the means below which 5, 50 and 95 % of the calls' intervals lie."""
    told = sorted((total_ms / calls, calls) for calls, total_ms in intervals if calls)
    if len(told) < 2:
        return None
    everything = sum(calls for _, calls in told)
    return Means(len(told), *(_at_share(told, share * everything) for share in (0.05, 0.5, 0.95)))


def _at_share(told: Sequence[tuple[float, int]], wanted: float) -> float:
    reached = 0
    for mean_ms, calls in told:
        reached += calls
        if reached >= wanted:
            return mean_ms
    return told[-1][0]


def longest_call(
    calls: int,
    total_ms: float,
    squares_ms2: float,
    *,
    before: tuple[float | None, object],
    after: tuple[float | None, object],
) -> tuple[float | None, float | None]:
    """The longest call of an interval (where it is known) and its bound, from the maximum at both ends.

    `before` and `after` are (maximum, since when it counts). A maximum that rose is the longest call; one that did
    not only bounds it. One that was reset in between knows the calls since then only.
    """
    spread = deviation(calls, total_ms, squares_ms2)
    if spread is None:
        return None, None
    bound = longest_possible(calls, total_ms / calls, spread)
    now, was = after[0], before[0]
    if calls == 1:
        return total_ms, total_ms
    if now is None:
        return None, bound
    if before[1] != after[1]:
        return (now or None), max(bound, now)
    if was is None:
        return None, min(bound, now)
    return (now, now) if now > was else (None, min(bound, was))
