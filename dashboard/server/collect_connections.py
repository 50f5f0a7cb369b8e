"""Each minute: how many client connections the whole server has, in bounded groups, against its limit."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from dashboard.server.models import ConnectionSample
from dashboard.store import db
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.probes import Probe, quoted

PROBE = "connections"
CADENCE: Cadence = "minute"
CONNECTIONS = Probe.read(__file__, "connections.sql")
KINDS = ("state", "application", "user", "address", "database")
HIDDEN = "State and address of {hidden} connections of other roles are hidden from the watching role."


def collect(collection: Collection) -> None:
    rows = collection.reader.ask(CONNECTIONS)
    groups = {kind: _group([row for row in rows if row["kind"] == kind]) for kind in KINDS}
    states: dict[str, int] = dict(groups["state"]["named"])
    hidden = groups["state"]["hidden"]
    values: dict[str, Any] = {
        "total": sum(row["sessions"] for row in rows if row["kind"] == "all"),
        "active": None if hidden else states.get("active", 0),
        "idle_in_transaction": None if hidden else sum(n for name, n in states.items() if "in transaction" in name),
        "usable": rows[0]["connections_max"] - rows[0]["reserved"],
        "reserved": rows[0]["reserved"],
        "groups": groups,
    }
    row = insert(ConnectionSample).values(target_id=collection.target.id, slot=collection.slot, **values)
    db.session.execute(row.on_conflict_do_nothing())
    collection.done(len(rows))
    if hidden:
        collection.partial(HIDDEN.format(hidden=hidden), f"GRANT pg_monitor TO {quoted(rows[0]['role'])};")


def _group(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The named groups by size; beside them the rest, and those whose name is hidden."""
    found = list(rows)
    return {
        "named": [(row["name"], row["sessions"]) for row in found if row["name"] is not None],
        "others": sum(row["sessions"] for row in found if row["is_rest"]),
        "hidden": sum(row["sessions"] for row in found if row["name"] is None and not row["is_rest"]),
    }
