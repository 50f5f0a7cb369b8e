"""Over which spans growth is told, what proves it, and why it is not known (pure)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from dashboard.formats import duration_text
from dashboard.tables.rows import SizeAt

SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30), "90d": timedelta(days=90)}
HEARTBEAT = timedelta(days=28)
LOOKBACK = timedelta(days=30)
STEP_AFTER = timedelta(minutes=15)
Gap = tuple[datetime, datetime]
Line = tuple[str, list[tuple[datetime, float]]]


def oldest_evidence(span: str, now: datetime) -> datetime:
    """The first reading that may stand for the beginning of a span: not much longer ago than the span is long."""
    length = SPANS[span]
    return now - length - max(length / 20, timedelta(minutes=90))


def due_spans(slot: datetime, as_of: datetime | None) -> list[str]:
    """A day with every collection, what is longer with the first of each hour."""
    is_new_hour = as_of is None or slot.replace(minute=0, second=0, microsecond=0) > as_of
    return list(SPANS) if is_new_hour else ["24h"]


def unknown_growth(span: str, first_seen_at: datetime, size_note: str | None, now: datetime) -> str:
    """Why the growth of a span is not known."""
    if size_note:
        return f"The size of now is not known: {size_note}."
    if first_seen_at > now - SPANS[span]:
        return f"Watched for {duration_text(now - first_seen_at)} only, not for {span} yet."
    return f"Nothing was measured {span} ago."


def pause(reach: timedelta, minutes_kept: timedelta, hours_kept: timedelta) -> timedelta:
    """How long it may be from one reading to the next: three collections, or two of what is kept of as long ago."""
    if reach > hours_kept:
        return timedelta(hours=50)
    return timedelta(minutes=130) if reach > minutes_kept else timedelta(minutes=16)


def gaps(readings: Sequence[datetime], since: datetime, until: datetime, longest: timedelta) -> list[Gap]:
    """Where nobody looked for longer than that."""
    return [(before, after) for before, after in pairwise([since, *readings, until]) if after - before > longest]


def held(sizes: Sequence[SizeAt], since: datetime, until: datetime) -> list[SizeAt]:
    """From `since` on, beginning with what held then, to `until`."""
    inside = [size for size in sizes if size.at >= since]
    before = [size for size in sizes if size.at < since][-1:]
    found = [*(replace(size, at=since) for size in before), *inside]
    return [*found, replace(found[-1], at=until)] if found else []


def size_lines(sizes: Sequence[SizeAt], since: datetime, until: datetime) -> list[Line]:
    """Total, heap, TOAST and indexes as steps: a size holds until the next one that was written."""
    kept = held(sizes, since, until)
    steps = [step for size, following in zip(kept, [*kept[1:], None], strict=True) for step in _step(size, following)]
    return [
        ("Total", [(size.at, float(size.total_bytes)) for size in steps]),
        ("Heap", [(size.at, float(size.heap_bytes)) for size in steps]),
        ("TOAST", [(size.at, float(size.toast_bytes)) for size in steps]),
        ("Indexes", [(size.at, float(size.index_bytes)) for size in steps]),
    ]


def _step(size: SizeAt, following: SizeAt | None) -> list[SizeAt]:
    """The size, and once more just before the next: sizes are written when they change, not on a slope."""
    if following is None or following.at - size.at < STEP_AFTER or size.total_bytes == following.total_bytes:
        return [size]
    return [size, replace(size, at=following.at - timedelta(seconds=1))]
