"""The newest numbers of every server that was read since a moment, by target: what alerts look at."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Text, and_, column, func, select, values
from sqlalchemy.orm import aliased

from dashboard.server.models import ConnectionSample, DatabaseState, ReplicationSample, ReplicationState
from dashboard.server.replication import Lag, lags, unheard, why_held
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


def newest_unheard(since: datetime) -> dict[int, tuple[datetime, float]]:
    """Standbys that are not connected to the primary they asked for: since when nothing came, and seconds of that."""
    standbys = select(ReplicationState).where(ReplicationState.slot >= since, ReplicationState.is_standby)
    told = {state.target_id: unheard(state.position) for state in db.session.scalars(standbys)}
    return {target_id: one for target_id, one in told.items() if one is not None}


def last_seen(
    followers: Collection[tuple[int, str]], since: datetime
) -> dict[tuple[int, str], tuple[datetime, set[str]]]:
    """When followers, by target and name, were last there, and who else was there then."""
    if not followers:
        return {}
    mine, all_then = ReplicationSample, aliased(ReplicationSample)
    wanted = values(column("target_id", Integer), column("name", Text), name="wanted").data(list(followers))
    seen_at = (
        select(func.max(mine.slot))
        .where(mine.target_id == wanted.c.target_id, mine.slot >= since)
        .where(mine.kind == "sender", mine.name == wanted.c.name)
        .scalar_subquery()
    )
    last = select(wanted.c.target_id, wanted.c.name, seen_at.label("slot")).cte("last")
    there = (all_then.target_id == last.c.target_id, all_then.slot == last.c.slot, all_then.kind == "sender")
    found = (
        select(last.c.target_id, last.c.name, last.c.slot, func.array_agg(all_then.name).label("names"))
        .join(all_then, and_(*there))
        .group_by(last.c.target_id, last.c.name, last.c.slot)
    )
    return {(row.target_id, row.name): (row.slot, set(row.names)) for row in db.session.execute(found)}


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
