"""The newest numbers of every server that was read since a moment, by target: what alerts look at."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from dashboard.server.models import ConnectionSample, DatabaseState, ReplicationState
from dashboard.server.replication import Lag, lags, why_held
from dashboard.store import db


def newest_databases(since: datetime) -> dict[int, dict[str, Any]]:
    """Size, growth, connections, and how many of them applications may open; None where unknown."""
    state, sample = DatabaseState, ConnectionSample
    usable = (
        select(sample.usable)
        .where(sample.target_id == state.target_id, sample.slot >= since)
        .order_by(sample.slot.desc())
        .limit(1)
        .scalar_subquery()
    )
    limit = func.coalesce(usable, state.connections_max).label("connections_max")
    columns = (state.size_bytes, state.growth_24h_bytes, state.connections, limit)
    found = select(state.target_id, *columns).where(state.slot >= since).order_by(state.target_id)
    return {row.pop("target_id"): row for row in map(dict, db.session.execute(found).mappings())}


def newest_lags(since: datetime) -> dict[int, dict[str, float | None]]:
    """Seconds that each follower, or a standby itself, is behind. None where that is not known; one that has replayed
    everything tells no time either, and is not behind.
    """
    found: dict[int, dict[str, float | None]] = {}
    for state in db.session.scalars(select(ReplicationState).where(ReplicationState.slot >= since)):
        seen = {"senders": state.senders, "slots": [], "is_standby": state.is_standby, "position": state.position}
        found[state.target_id] = {lag.name: _seconds(lag) for lag in lags(seen)}
    return found


def _seconds(lag: Lag) -> float | None:
    if lag.lag_ms is None:
        return 0.0 if lag.lag_bytes == 0 else None
    return lag.lag_ms / 1000


def newest_slots(since: datetime) -> dict[int, list[dict[str, Any]]]:
    """Replication slots: name, held bytes, whether it was lost, and why it holds WAL."""
    found: dict[int, list[dict[str, Any]]] = {}
    for state in db.session.scalars(select(ReplicationState).where(ReplicationState.slot >= since)):
        found[state.target_id] = [
            {
                "name": slot["name"],
                "retained_bytes": slot["held_bytes"],
                "is_lost": slot["wal_status"] == "lost",
                "why": why_held(slot, state.senders).text,
            }
            for slot in state.slots
        ]
    return found
