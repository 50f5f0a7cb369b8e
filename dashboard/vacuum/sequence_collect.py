"""The job that asks a target how far its sequences are."""

from collections.abc import Sequence
from datetime import timedelta

from dashboard.findings import record
from dashboard.targets.capabilities import quoted
from dashboard.targets.collection import Collection
from dashboard.targets.connect import Reader, TargetRefused, address_of, reading
from dashboard.targets.probes import Probe
from dashboard.vacuum import edits, sequence_queries, sequences
from dashboard.vacuum.sequences import Seen

PROBE = "sequences"
CADENCE = "hour"
BATCH = 500
LOCK_MS = 200
WEEK = timedelta(days=7)
INTERRUPTED = {"55P03", "57014", "42P01"}
SEQUENCES = Probe.read(__file__, "sequences.sql")
LAST_VALUES = Probe.read(__file__, "last_values.sql")


def collect(collection: Collection) -> None:
    """Every sequence with the column that ends first; the right that is missing for its last value is told."""
    target = collection.target
    rows = collection.reader.ask(SEQUENCES)
    seen = Seen(
        values=_last_values(collection, [row["oid"] for row in rows if row["may_read"]]),
        known=sequence_queries.known(target.id),
        a_week_ago=sequence_queries.values_at(target.id, collection.now - WEEK),
        slot=collection.slot,
    )
    asking = [row["oid"] for row in rows if sequences.asks_forecast(row, seen.last(row["oid"]))]
    days = sequence_queries.daily(target.id, asking, collection.now)
    states = [sequences.state_of(row, seen, days.get(row["oid"])) for row in rows]
    samples = [
        {"oid": row["oid"], "slot": seen.slot, "last_value": row["last_value"]} for row in states if seen.is_new(row)
    ]
    edits.store_sequences(target.id, states, samples)
    record.keep(target.id, PROBE, sequences.findings(states, target.slug, collection.now), collection.now)
    collection.done(len(rows))
    unread = sum(not row["may_read"] for row in rows)
    if unread:
        schemas = sorted({row["schema"] for row in rows if not row["may_read"]})
        collection.partial(
            f"The last value of {unread} of {len(rows)} sequences is unknown: {sequences.NO_RIGHT}.",
            "\n".join(_grant(schema, address_of(target).user) for schema in schemas),
        )


def _grant(schema: str, role: str) -> str:
    return f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA {quoted(schema)} TO {quoted(role)};"


def _last_values(collection: Collection, oids: Sequence[int]) -> dict[int, int | None]:
    """In transactions of their own: a sequence stays locked (against ALTER and DROP) until its transaction ends."""
    found: dict[int, int | None] = {}
    for start in range(0, len(oids), BATCH):
        batch = list(oids[start : start + BATCH])
        with reading(address_of(collection.target), lock_timeout_ms=LOCK_MS, wait_s=10.0) as reader:
            if (values := _asked(reader, batch)) is None:
                for oid in batch:
                    found |= _asked(reader, [oid]) or {}
            else:
                found |= values
            collection.reader.statements += reader.statements
            collection.reader.target_ms += reader.target_ms
    return found


def _asked(reader: Reader, oids: Sequence[int]) -> dict[int, int | None] | None:
    """None when somebody's lock or the time limit stopped it."""
    try:
        with reader.savepoint():
            reader.rows("select set_config('pilothouse.oids', %(oids)s, true)", {"oids": ",".join(map(str, oids))})
            return {row["oid"]: row["last_value"] for row in reader.ask(LAST_VALUES)}
    except TargetRefused as refused:
        if refused.sqlstate not in INTERRUPTED:
            raise
        return None
