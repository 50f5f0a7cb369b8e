"""Counts the sessions of a target by what they do, once a minute."""

from sqlalchemy.dialects.postgresql import insert

from dashboard.activity.models import ActivitySample
from dashboard.store import db
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.probes import Probe, quoted

PROBE = "activity"
CADENCE: Cadence = "minute"
SUMMARY = Probe.read(__file__, "summary.sql")
HIDDEN = "What {hidden} sessions of other roles do is hidden from the watching role."


def collect(collection: Collection) -> None:
    """Store one row; the same slot a second time changes nothing."""
    found = collection.reader.ask(SUMMARY)[0]
    role = found.pop("role")
    row = insert(ActivitySample).values(target_id=collection.target.id, slot=collection.slot, **found)
    db.session.execute(row.on_conflict_do_nothing())
    collection.done(1)
    if found["hidden"]:
        collection.partial(HIDDEN.format(hidden=found["hidden"]), f"GRANT pg_monitor TO {quoted(role)};")
