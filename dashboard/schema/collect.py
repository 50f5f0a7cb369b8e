"""The job that asks a target for its schema and stores what changed."""

from dashboard.schema import edits, queries
from dashboard.schema.details import HIDDEN, ask, details
from dashboard.schema.rules import Relation
from dashboard.targets.ahead import ahead, aside
from dashboard.targets.collection import Collection
from dashboard.targets.probes import Probe

PROBE = "schema"
CADENCE = "quarter_hour"
AT_ONCE = 1_000
RELATIONS = Probe.read(__file__, "relations.sql")


def collect(collection: Collection) -> None:
    """Fingerprints of all relations; details only of those whose fingerprint is not the stored one.

    Some relations at a time; only where there is something to compare them with, all of them are kept.
    """
    target, reader = collection.target, collection.reader
    seen = {row["oid"]: row for row in reader.ask(RELATIONS)}
    stamps = queries.stamps(target.id)
    collection.done(len(seen))
    fresh = [oid for oid, row in seen.items() if stamps.get(oid) != row["stamp"]]
    gone = stamps.keys() - seen.keys()
    has_version = queries.newest_version(target.id) is not None
    if not fresh and not gone and has_version:
        return
    old = queries.relations(target.id, [*(oid for oid in fresh if oid in stamps), *gone]) if stamps else []
    new, documents, hidden = list[Relation](), dict[tuple[str, str], str](), set[int]()
    edits.forget(target.id, old)
    before = {row.oid: dict(row.detail) for row in old}
    batches = [fresh[start : start + AT_ONCE] for start in range(0, len(fresh), AT_ONCE)]
    with aside() as put:
        for oids, told in ahead(put, lambda oids: ask(reader, oids), batches):
            stamped = {oid: str(seen[oid]["stamp"]) for oid in oids if oid not in told.hidden}
            some = [_relation(seen[oid], detail) for oid, detail in details(told, before).items()]
            documents |= edits.write(target.id, some, stamped, is_first=not stamps)
            hidden |= told.hidden
            new += some if has_version else []
    edits.finish(target, old, new, documents, noticed_after=queries.seen_until(target.id), at=collection.now)
    if hidden:
        collection.partial(f"{HIDDEN} This concerns {len(hidden)} of {len(seen)} relations.")


def _relation(row: dict[str, object], detail: dict[str, object]) -> Relation:
    facts = {name: value for name, value in row.items() if name != "stamp"}
    return Relation(**facts, detail=detail)  # type: ignore[arg-type]
