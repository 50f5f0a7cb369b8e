"""What changed in a family between two windows, and what kind of change that is (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from dashboard.spans import parse_span

FEWEST_CALLS = 5
FACTOR = 1.3
Span = tuple[datetime, datetime]
Kind = Literal[
    "more_rows", "more_work", "waits", "more_calls", "less_rows", "less_work", "faster", "fewer_calls", "same", "unsure"
]
SENTENCES: Mapping[Kind, str] = {
    "more_rows": "A call returns or changes more rows: the data or the question is another.",
    "more_work": "A call touches more blocks for as many rows: its plan or the data changed.",
    "waits": "As many blocks take longer: it waits for locks, disk or processor.",
    "more_calls": "It is called more often; a call costs what it did.",
    "less_rows": "A call returns or changes fewer rows: the data or the question is another.",
    "less_work": "A call touches fewer blocks for as many rows: another plan, an index, or less data.",
    "faster": "As many blocks take less time: less waiting, or more of them in the cache.",
    "fewer_calls": "It is called less often; a call costs what it did.",
    "same": "A call costs what it did, and it is called as often.",
    "unsure": "Too few calls in one of the windows to tell.",
}
SHIFTS = {"day": timedelta(days=1), "week": timedelta(days=7)}


@dataclass(frozen=True)
class Side:
    """What a family did in one of the windows; `watched_ms` is how much of the window was watched."""

    calls: int
    total_ms: float
    rows: int
    blocks: int
    watched_ms: float

    def per_call(self, value: float) -> float | None:
        return value / self.calls if self.calls else None

    @property
    def mean_ms(self) -> float | None:
        return self.per_call(self.total_ms)

    @property
    def calls_per_minute(self) -> float | None:
        return self.calls / self.watched_ms * 60_000 if self.watched_ms else None


@dataclass(frozen=True)
class Ratios:
    """After divided by before; None where one of them is nothing, or of too few calls to be compared."""

    mean: float | None
    calls: float | None
    blocks: float | None
    rows: float | None


def base_span(span: Span, base: str, times: Mapping[str, str]) -> tuple[Span, dict[str, str]]:
    """The window to compare with: two times, or the same one a day or a week earlier, or the one just before; and
    what is wrong with the times, by field.
    """
    picked, problems = parse_span({"from": times.get("base_from", ""), "to": times.get("base_to", "")})
    since, until = span
    shift = SHIFTS.get(base, until - since)
    return picked or (since - shift, until - shift), {f"base_{name}": words for name, words in problems.items()}


def ratios(before: Side, after: Side) -> Ratios:
    """Below five calls in either window nothing is divided but the calls themselves."""
    calls = _ratio(before.calls_per_minute, after.calls_per_minute)
    if min(before.calls, after.calls) < FEWEST_CALLS:
        return Ratios(None, calls, None, None)
    return Ratios(
        mean=_ratio(before.mean_ms, after.mean_ms),
        calls=calls,
        blocks=_ratio(before.per_call(before.blocks), after.per_call(after.blocks)),
        rows=_ratio(before.per_call(before.rows), after.per_call(after.rows)),
    )


def change_ms(before: Side, after: Side) -> float:
    """Time added in the second window over what the first makes one expect for as long as the second was watched."""
    expected = before.total_ms / before.watched_ms * after.watched_ms if before.watched_ms else 0.0
    return after.total_ms - expected


def kind_of(found: Ratios) -> Kind:
    """What kind of change the ratios show: work of a call before its time, time before the number of calls."""
    if found.mean is None:
        return "unsure"
    if found.mean > FACTOR:
        return "more_rows" if _rose(found.rows) else "more_work" if _rose(found.blocks) else "waits"
    if found.mean < 1 / FACTOR:
        return "less_rows" if _fell(found.rows) else "less_work" if _fell(found.blocks) else "faster"
    if _rose(found.calls):
        return "more_calls"
    return "fewer_calls" if _fell(found.calls) else "same"


def _ratio(before: float | None, after: float | None) -> float | None:
    return after / before if before and after is not None else None


def _rose(ratio: float | None) -> bool:
    return ratio is not None and ratio > FACTOR


def _fell(ratio: float | None) -> bool:
    return ratio is not None and ratio < 1 / FACTOR
