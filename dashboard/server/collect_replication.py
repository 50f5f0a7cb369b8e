"""Each minute: who follows this server and whom it follows, which slots hold its WAL, and how far they are behind."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from dashboard.server.models import ReplicationSample, ReplicationState
from dashboard.server.replication import lags, last_heard, remember
from dashboard.store import db
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.probes import Older, Probe, quoted

PROBE = "replication"
CADENCE: Cadence = "minute"
SLOTS = "pg_replication_slots"
REPLICATION = Probe.read(
    __file__,
    "replication.sql",
    older=(
        Older("pg_replication_slots", "inactive_since", "r.inactive_since", "null::timestamptz as inactive_since"),
        Older(
            "pg_replication_slots", "invalidation_reason", "r.invalidation_reason", "null::text as invalidation_reason"
        ),
        Older(SLOTS, "conflicting", "r.conflicting as", "null::boolean as"),
        Older("pg_stat_database_conflicts", "confl_active_logicalslot", "c.confl_active_logicalslot", "null::bigint"),
        Older(
            "pg_stat_subscription_stats",
            "apply_error_count",
            "(select e.apply_error_count from pg_stat_subscription_stats e where e.subid = s.subid)",
            "null::bigint",
        ),
    ),
)
HIDDEN = "How far those who follow this server are is hidden from the watching role."


def collect(collection: Collection) -> None:
    found: dict[str, Any] = collection.reader.ask(REPLICATION)[0]
    role = found.pop("role")
    last = db.session.get(ReplicationState, collection.target.id)
    found["slots"] = remember(found["slots"], last.slots if last is not None else [], collection.now)
    if found["is_standby"]:
        before = last.position if last is not None and last.is_standby else {}
        found["position"]["heard_at"] = last_heard(found["position"], before)
    values = {"slot": collection.slot} | found
    state = insert(ReplicationState).values(target_id=collection.target.id, **values)
    db.session.execute(state.on_conflict_do_update(index_elements=["target_id"], set_=values))
    _keep_lags(collection.target.id, collection.slot, found)
    collection.done(1 + len(found["senders"]) + len(found["slots"]))
    receiver = found["position"]["receiver"]
    if any(sender["state"] is None for sender in found["senders"]) or (receiver and receiver["status"] is None):
        collection.partial(HIDDEN, f"GRANT pg_monitor TO {quoted(role)};")


def _keep_lags(target_id: int, slot: datetime, found: dict[str, Any]) -> None:
    rows = [
        {"target_id": target_id, "slot": slot, "kind": lag.kind, "name": lag.name}
        | {"lag_bytes": lag.lag_bytes, "lag_ms": lag.lag_ms}
        for lag in lags(found)
    ]
    if rows:
        db.session.execute(insert(ReplicationSample).on_conflict_do_nothing(), rows)
