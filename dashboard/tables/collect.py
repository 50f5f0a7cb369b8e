"""The job that asks a target for its tables and indexes and stores what changed, some tables at a time.

Nothing is kept of what did not change, so that memory does not grow with the database.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, groupby, islice
from operator import attrgetter
from time import monotonic
from typing import Any

from dashboard.tables import edits, history_edits, marks, rules
from dashboard.tables import record_queries as queries
from dashboard.tables.forecast_edits import keep_forecasts
from dashboard.tables.lines import IndexLine, index_lines
from dashboard.tables.records import IndexRecord, Known
from dashboard.tables.rules import Found, Now
from dashboard.tables.sizes import BUDGET_S, Measured, about, definitions, locks, measure
from dashboard.targets.ahead import Ask, aside
from dashboard.targets.collection import Collection
from dashboard.targets.connect import Reader
from dashboard.targets.probes import Older, Probe

PROBE = "tables"
CADENCE = "five_minutes"
BATCH = 500
AHEAD = 2  # batches that the target is asked about before they can be stored
NEVER = "cast(null as timestamptz)"
Row = dict[str, Any]
TABLES = Probe.read(
    __file__,
    "tables.sql",
    older=(Older("pg_stat_all_tables", "last_seq_scan", "pg_stat_get_lastscan(c.oid)", NEVER),),
)
INDEXES = Probe.read(
    __file__,
    "indexes.sql",
    older=(
        Older("pg_stat_all_indexes", "last_idx_scan", "pg_stat_get_lastscan(i.indexrelid)", NEVER),
        Older("pg_index", "indnullsnotdistinct", "i.indnullsnotdistinct", "false"),
    ),
)
COUNTING = Probe.read(__file__, "counting.sql")
BUSY_TABLES = Probe.read(__file__, "busy.sql")


@dataclass
class Pass:
    """One collection under way: what it knew, and what it learnt so far."""

    target_id: int
    known: Known
    now: Now
    busy: frozenset[int]
    budget_s: float
    turn: int
    unmeasured: list[str] = field(default_factory=list)
    indexes: set[int] = field(default_factory=set)
    lane: marks.Lane = field(default_factory=marks.Lane)


@dataclass(frozen=True)
class Answer:
    """What the target told of some tables: indexes and the digest of what was written, by table."""

    tables: Sequence[Row]
    indexes: dict[int, list[IndexLine]]
    written: dict[int, int]
    measured: Measured

    @cached_property
    def index_sizes(self) -> dict[int, int]:
        return {oid: size for table in self.measured.sizes.values() for oid, size in table.indexes.items()}


@dataclass(frozen=True)
class Changed:
    """Indexes that changed, with the digests of all, how they were, and their texts once the target has told them."""

    rows: Sequence[IndexLine]
    told: dict[int, int]
    old: dict[int, IndexRecord]
    texts: Future[dict[int, bytes]]


def collect(collection: Collection) -> None:
    """Sizes, use and rows of every table and index; a locked table keeps the sizes that it had."""
    reader, target = collection.reader, collection.target
    known = queries.known(target.id, target.system_identifier)
    if known.as_of is None:
        edits.forget_all(target.id)
    else:
        history_edits.write_first_samples(target.id)
    tables = reader.ask(TABLES)
    counted_since = next((row["counted_since"] for row in reader.ask(COUNTING)), None)
    under_way = Pass(
        target_id=target.id,
        known=known,
        now=Now(collection.slot, counted_since, known.as_of),
        busy=frozenset({row["oid"] for row in reader.ask(BUSY_TABLES)} | locks(reader).keys()),
        budget_s=BUDGET_S,
        turn=int(collection.slot.timestamp()) // 300,
    )
    _collect_all(reader, under_way, tables)
    _finish(collection, under_way, tables)
    collection.done(len(tables) + len(under_way.indexes))
    if under_way.unmeasured:
        collection.partial(rules.shortfall(under_way.unmeasured, len(tables)))


def _collect_all(reader: Reader, under_way: Pass, tables: Sequence[Row]) -> None:
    """Some tables at a time; the target tells of the next ones while those that it told of are stored."""
    with aside() as ask:
        asked = (
            ask(_answer, reader, under_way, batch, is_largest=place == 0)
            for place, batch in enumerate(_batches(tables))
        )
        coming: deque[Future[Answer]] = deque(islice(asked, AHEAD))
        while coming:
            answer = coming.popleft().result()
            texts = _ask_texts(ask, reader, under_way, answer)
            coming.extend(islice(asked, 1))
            _store_tables(under_way, answer)
            _store_indexes(under_way, answer, texts)


def _answer(reader: Reader, under_way: Pass, tables: Sequence[Row], *, is_largest: bool) -> Answer:
    """Measure what may have changed of these tables."""
    found = sorted(index_lines(about(reader, INDEXES, [row["oid"] for row in tables])), key=attrgetter("table_oid"))
    indexes = {oid: list(rows) for oid, rows in groupby(found, key=attrgetter("table_oid"))}
    written = {row["oid"]: rules.write_digest(row, indexes.get(row["oid"], ())) for row in tables}
    due = [
        row["oid"]
        for place, row in enumerate(tables)
        if rules.is_due(
            row,
            written[row["oid"]],
            under_way.known,
            is_busy=row["oid"] in under_way.busy,
            is_large=is_largest and place < rules.LARGEST,
            turn=under_way.turn,
        )
    ]
    started = monotonic()
    measured = measure(reader, due, started + under_way.budget_s)
    under_way.budget_s -= monotonic() - started
    return Answer(tables, indexes, written, measured)


def _ask_texts(ask: Ask, reader: Reader, under_way: Pass, answer: Answer) -> Changed:
    """Which indexes changed; their texts are on the way."""
    known, now, sizes = under_way.known, under_way.now, answer.index_sizes
    found = list(chain.from_iterable(answer.indexes.values()))
    told = rules.index_digests(found, now)
    under_way.indexes |= told.keys()
    changed = [one for one in found if rules.has_changed(known.indexes.get(one.oid), told[one.oid], sizes.get(one.oid))]
    old = queries.index_records(under_way.target_id, [one.oid for one in changed if one.oid in known.indexes])
    return Changed(changed, told, old, ask(_texts, reader, changed, old))


def _texts(reader: Reader, changed: Sequence[IndexLine], old: dict[int, IndexRecord]) -> dict[int, bytes]:
    return definitions(reader, rules.undefined(changed, old, locks(reader))) if changed else {}


def _store_indexes(under_way: Pass, answer: Answer, found: Changed) -> None:
    """Those of new tables are passed on as they were told: no mark speaks of them."""
    old, sizes, texts, now = found.old, answer.index_sizes, found.texts.result(), under_way.now
    known = under_way.known.tables
    new = [one for one in found.rows if one.oid not in old and one.table_oid not in known]
    edits.copy_indexes(rules.new_indexes(under_way.target_id, new, sizes, texts, now, found.told))
    records = [
        rules.index_record(one, old.get(oid := one.oid), sizes.get(oid), texts.get(oid), now, found.told[oid])
        for one in found.rows
        if one.oid in old or one.table_oid in known
    ]
    edits.write(under_way.target_id, records, old)
    under_way.lane.see_indexes(records, old, under_way.known)


def _store_tables(under_way: Pass, answer: Answer) -> None:
    known, now, notes, written = under_way.known, under_way.now, answer.measured.notes, answer.written
    tables, sizes = answer.tables, answer.measured.sizes
    scans = {oid: sum(one.scans for one in rows) for oid, rows in answer.indexes.items()}
    told = {row["oid"]: rules.table_digest(row, scans.get(row["oid"]), notes.get(row["oid"]), now) for row in tables}
    changed = {
        row["oid"]: row
        for row in tables
        if (oid := row["oid"]) in sizes
        or (trace := known.tables.get(oid)) is None
        or (trace.digest, trace.write_digest) != (told[oid], written[oid])
    }
    under_way.unmeasured += [row["name"] for row in tables if row["oid"] in notes]
    old = queries.table_records(under_way.target_id, changed.keys() & known.tables.keys())
    records = []
    for oid, row in changed.items():
        found = Found(sizes.get(oid), notes.get(oid), scans.get(oid), told[oid], written[oid])
        records.append(rules.table_record(row, old.get(oid), found, now))
    edits.write(under_way.target_id, records, old)
    under_way.lane.see_tables(records, old, now)


def _finish(collection: Collection, under_way: Pass, tables: Sequence[Row]) -> None:
    """What vanished, the sums of partitions, history, growth, marks."""
    target, known = collection.target, under_way.known
    gone_tables = known.tables.keys() - {row["oid"] for row in tables}
    gone = queries.index_records(target.id, known.indexes.keys() - under_way.indexes)
    under_way.lane.lose_indexes(gone.values(), gone_tables)
    edits.forget(target.id, gone_tables, gone.keys())
    if any(row["kind"] == "p" for row in tables):
        history_edits.fold(target.id, collection.slot)
    history_edits.write_reading(target, collection.slot, len(tables))
    if known.as_of is not None:
        history_edits.write_samples(target.id, collection.slot)
        history_edits.grow(target.id, collection.slot, known.as_of)
        keep_forecasts(target.id, collection.now)
        edits.mark(target.id, under_way.lane.marks(under_way.now), known.as_of)


def _batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]
