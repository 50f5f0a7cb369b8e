"""The job that asks a target for its tables and indexes and stores what changed."""

from dashboard.tables import edits, queries, rules
from dashboard.tables.rows import Seen
from dashboard.tables.sizes import definitions, locks, measure
from dashboard.targets.collection import Collection
from dashboard.targets.probes import Older, Probe

PROBE = "tables"
CADENCE = "five_minutes"
NEVER = "cast(null as timestamptz)"
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


def collect(collection: Collection) -> None:
    """Sizes, use and rows of every table and index; a locked table keeps the sizes that it had."""
    known = queries.known(collection.target.id, collection.now)
    seen = _ask(collection)
    tables, indexes = rules.table_rows(seen, known), rules.index_rows(seen, known)
    texts = definitions(collection.reader, rules.undefined(indexes, known, locks(collection.reader)))
    indexes = rules.defined(indexes, texts)
    edits.store(collection.target.id, tables, indexes, known, collection.slot)
    collection.done(len(tables) + len(indexes))
    if seen.notes:
        collection.partial(rules.shortfall(seen))


def _ask(collection: Collection) -> Seen:
    reader = collection.reader
    tables, indexes = reader.ask(TABLES), reader.ask(INDEXES)
    measured = measure(reader, [row["oid"] for row in tables if row["kind"] != "p"])
    return Seen(
        tables=tables,
        indexes=indexes,
        sizes=measured.sizes,
        notes=measured.notes,
        counted_since=next((row["counted_since"] for row in reader.ask(COUNTING)), None),
        slot=collection.slot,
    )
