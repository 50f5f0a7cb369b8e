"""What in a plan deserves a look, in words (pure). Numbers of the server are means of one loop."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dashboard.formats import bytes_text, count_text, percent_text

MISESTIMATE = 10
FEW_ROWS = 100
MANY_REMOVED = 10_000
REMOVED_SHARE = 0.9
DEAR_SCAN_COST, DEAR_SCAN_SHARE = 1_000, 0.3
MANY_LOOPS = 10_000
BIG_SHARE = 0.3


@dataclass(frozen=True)
class Concern:
    level: Literal["warn", "info"]
    text: str


def concerns_of(raw: Mapping[str, Any], share: float) -> Iterator[Concern]:
    """`share`: the part of the whole that this node itself takes."""
    loops = raw.get("Actual Loops")
    if loops == 0:
        yield Concern("info", "Never executed.")
        return
    if loops is not None:
        yield from _misestimate(raw, float(loops))
        yield from _removed(raw, float(loops))
        yield from _loops(float(loops), share)
        yield from _workers(raw)
    yield from _spilled(raw)
    yield from _visibility(raw)
    yield from _scan(raw, share, is_run=loops is not None)


def _misestimate(raw: Mapping[str, Any], loops: float) -> Iterator[Concern]:
    planned, actual = float(raw["Plan Rows"]), float(raw["Actual Rows"])
    if max(planned, actual) * loops < FEW_ROWS:
        return
    ratio = max(actual, 1) / max(planned, 1)
    if 1 / MISESTIMATE < ratio < MISESTIMATE:
        return
    times = count_text(round(ratio if ratio >= 1 else 1 / ratio))
    way = "more" if ratio >= 1 else "fewer"
    yield Concern(
        "warn",
        f"{times} times {way} rows than expected ({count_text(actual)}, not {count_text(planned)}): are the statistics "
        "of its columns fresh, or do they depend on each other?",
    )


def _removed(raw: Mapping[str, Any], loops: float) -> Iterator[Concern]:
    removed = sum(float(raw.get(f"Rows Removed by {what}", 0)) for what in ("Filter", "Join Filter", "Index Recheck"))
    read = removed + float(raw["Actual Rows"])
    if removed * loops < MANY_REMOVED or removed < REMOVED_SHARE * read:
        return
    yield Concern(
        "warn",
        f"{percent_text(removed / read)} of the rows it read were thrown away ({count_text(removed * loops)} in all).",
    )


def _loops(loops: float, share: float) -> Iterator[Concern]:
    if loops >= MANY_LOOPS and share >= BIG_SHARE:
        yield Concern("warn", f"Runs {count_text(loops)} times; each run is cheap, together they take the time.")


def _workers(raw: Mapping[str, Any]) -> Iterator[Concern]:
    planned, launched = raw.get("Workers Planned", 0), raw.get("Workers Launched")
    if launched is not None and launched < planned:
        yield Concern("info", f"Only {launched} of {planned} planned workers were free to help.")


def _spilled(raw: Mapping[str, Any]) -> Iterator[Concern]:
    sorts = [raw, *(worker for worker in raw.get("Workers", []) if isinstance(worker, Mapping))]
    on_disk = sum(float(one.get("Sort Space Used", 0)) for one in sorts if one.get("Sort Space Type") == "Disk")
    if on_disk:
        yield Concern("warn", f"Sorts on disk ({bytes_text(on_disk * 1024)}): more than work_mem holds.")
    if raw["Node Type"] == "Hash" and raw.get("Hash Batches", 1) > 1:
        yield Concern(
            "warn", f"Hashes in {raw['Hash Batches']} batches through temporary files: more than work_mem holds."
        )
    if raw.get("Disk Usage", 0):
        yield Concern("warn", f"Groups on disk ({bytes_text(raw['Disk Usage'] * 1024)}): more than work_mem holds.")


def _visibility(raw: Mapping[str, Any]) -> Iterator[Concern]:
    if raw.get("Lossy Heap Blocks", 0) > 0:
        yield Concern("info", "The bitmap did not fit work_mem: whole pages were read and every row was checked again.")
    fetches = raw.get("Heap Fetches", 0)
    if fetches >= FEW_ROWS and fetches >= float(raw.get("Actual Rows", 0)) * float(raw.get("Actual Loops", 1)) / 2:
        yield Concern(
            "info", f"Looked {count_text(fetches)} times into the table although the index has all: VACUUM it."
        )


def _scan(raw: Mapping[str, Any], share: float, *, is_run: bool) -> Iterator[Concern]:
    if raw["Node Type"] != "Seq Scan" or share < DEAR_SCAN_SHARE:
        return
    if raw["Total Cost"] >= DEAR_SCAN_COST and ("Filter" in raw or not is_run):
        part = "time" if is_run else "estimated cost"
        yield Concern("warn", f"Reads the whole table, for {percent_text(share)} of the {part}.")
