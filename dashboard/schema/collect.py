"""The job that asks a target for its schema and stores what changed."""

from dashboard.schema import edits, queries
from dashboard.schema.details import HIDDEN, details
from dashboard.schema.rules import Relation
from dashboard.targets.collection import Collection
from dashboard.targets.probes import Probe

PROBE = "schema"
CADENCE = "quarter_hour"
RELATIONS = Probe.read(__file__, "relations.sql")


def collect(collection: Collection) -> None:
    """Fingerprints of all relations; details only of those whose fingerprint is not the stored one."""
    target, reader = collection.target, collection.reader
    seen = {row["oid"]: row for row in reader.ask(RELATIONS)}
    stamps = queries.stamps(target.id)
    collection.done(len(seen))
    fresh = [oid for oid, row in seen.items() if stamps.get(oid) != row["stamp"]]
    gone = stamps.keys() - seen.keys()
    if not fresh and not gone and queries.newest_version(target.id) is not None:
        return
    old = queries.relations(target.id, [*fresh, *gone])
    found, hidden = details(reader, fresh, {row.oid: dict(row.detail) for row in old})
    new = [_relation(seen[oid], found[oid]) for oid in fresh]
    marks = {oid: None if oid in hidden else str(seen[oid]["stamp"]) for oid in fresh}
    edits.store(target, old, new, marks, noticed_after=queries.seen_until(target.id), at=collection.now)
    if hidden:
        collection.partial(f"{HIDDEN} This concerns {len(hidden)} of {len(seen)} relations.")


def _relation(row: dict[str, object], detail: dict[str, object]) -> Relation:
    facts = {name: value for name, value in row.items() if name != "stamp"}
    return Relation(**facts, detail=detail)  # type: ignore[arg-type]
