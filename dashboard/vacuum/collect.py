"""The job that asks a target how autovacuum keeps up and how old its transaction ids are."""

from dashboard.findings import record
from dashboard.targets.collection import Collection
from dashboard.targets.connect import address_of
from dashboard.targets.failures import grant_monitor
from dashboard.targets.probes import Older, Probe
from dashboard.vacuum import edits, proposals, queries, rules
from dashboard.vacuum.dying import continued
from dashboard.vacuum.findings import findings
from dashboard.vacuum.rows import Counters, table_of

PROBE = "vacuum"
CADENCE = "quarter_hour"
WORKS = ("vacuum", "autovacuum", "analyze", "autoanalyze")
TABLES = Probe.read(
    __file__,
    "tables.sql",
    older=(
        Older("pg_class", "relallfrozen", "c.relallfrozen", "null"),
        *(
            Older(
                "pg_stat_all_tables", f"total_{work}_time", f"pg_stat_get_total_{work}_time(c.oid)",
                "cast(null as float8)",
            )
            for work in WORKS
        ),
    ),
)  # fmt: skip
HIDDEN = "Sessions of other roles are hidden: what holds vacuum back may be missing, and vacuums against wraparound."
COUNTERS = Probe.read(__file__, "counters.sql")
DATABASES = Probe.read(__file__, "databases.sql")
OLDEST = Probe.read(__file__, "oldest.sql")
HOLDERS = Probe.read(__file__, "holders.sql")


def collect(collection: Collection) -> None:
    """Every table with what autovacuum looks at, the age of the ids, and what holds them back."""
    reader, target_id = collection.reader, collection.target.id
    [row] = reader.ask(COUNTERS)
    known = queries.known_state(target_id)
    counted = rules.counted_on(known.next_multixact if known else None, row["next_multixact"])
    counters = Counters(**row | {"next_multixact": counted})
    told = {name: reader.ask(probe) for name, probe in _LISTS.items()}
    before = queries.seen_before(target_id)
    since = before if known else {}  # another server's counters say nothing about this one's
    tables = [
        table_of(
            one, counters, continued(old._asdict() if (old := since.get(one["oid"])) else None, one, collection.slot)
        )
        for one in reader.ask(TABLES)
    ]
    edits.store_counters(target_id, collection.slot, counters, told)
    edits.store_tables(target_id, tables, before)
    proposed = proposals.findings(tables, counters, collection.target.slug, collection.slot)
    record.keep(target_id, "vacuum", proposed, collection.now)
    aged = findings(counters, told, collection.target.slug, collection.now)
    record.keep(target_id, "wraparound", aged, collection.now)
    collection.done(len(tables))
    if not counters.sees_sessions:
        collection.partial(HIDDEN, grant_monitor(address_of(collection.target).user))


_LISTS = {"databases": DATABASES, "oldest": OLDEST, "holders": HOLDERS}
