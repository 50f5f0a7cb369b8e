"""When a rising number reaches its limit, from its last value of each day (pure); no date that the days don't carry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from statistics import median, quantiles

FEWEST_DAYS = 7
DAY = timedelta(days=1)
FARTHEST_DAYS = 365 * 20
TOO_FEW = f"no forecast before {FEWEST_DAYS} days were seen"
STILL = "no forecast: it did not move"
STEPS = "no forecast: it moves in single steps"
FAR = "not within 20 years at this rate"


@dataclass(frozen=True)
class Forecast:
    """Units a day (Theil and Sen's slope), and between which dates the limit is reached; `note`: why there are none."""

    per_day: float | None
    earliest: datetime | None
    latest: datetime | None
    note: str | None


def forecast(points: Sequence[tuple[datetime, int]], limit: int) -> Forecast:
    """`points`: the last value of each day, rising towards `limit`; a fall starts the series anew."""
    held = _since_last_fall(points)
    if len(held) < FEWEST_DAYS:
        return Forecast(None, None, None, TOO_FEW)
    slope, low, high = _slopes(held)
    if slope <= 0:
        return Forecast(0.0, None, None, STILL)
    if sum(after > before for (_, before), (_, after) in pairwise(held)) < len(held) / 2:
        return Forecast(slope, None, None, STEPS)
    at, value = held[-1]
    band = _band(held, slope)
    soon, late = (limit - value - band) / high, (limit - value + band) / max(low, slope / 10)
    if soon > FARTHEST_DAYS:
        return Forecast(slope, None, None, FAR)
    earliest = at + max(0.0, soon) * DAY
    return Forecast(slope, earliest, at + late * DAY if late <= FARTHEST_DAYS else None, None)


def _since_last_fall(points: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    held = sorted(dict(points).items())
    falls = [index for index in range(1, len(held)) if held[index][1] < held[index - 1][1]]
    return held[falls[-1] :] if falls else held


def _slopes(points: Sequence[tuple[datetime, int]]) -> tuple[float, float, float]:
    """The median of the slopes between all pairs of days, and their quartiles."""
    slopes = [(second[1] - first[1]) / ((second[0] - first[0]) / DAY) for first, second in combinations(points, 2)]
    low, middle, high = quantiles(slopes, n=4, method="inclusive")
    return middle, low, high


def _band(points: Sequence[tuple[datetime, int]], slope: float) -> float:
    """Three robust standard deviations (1.4826 times the median deviation) of the days around the line."""
    start = points[0][0]
    rest = [value - slope * ((at - start) / DAY) for at, value in points]
    middle = median(rest)
    return 3 * 1.4826 * median(abs(one - middle) for one in rest)
