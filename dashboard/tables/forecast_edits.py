"""Keeps the forecast of each table for the list: some tables with each collection, each about once a day."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from dashboard.store import db
from dashboard.tables.forecast import HORIZONS, LEAST_DAYS, Forecast, forecast, together, why_not
from dashboard.tables.history_queries import Parts, days_of
from dashboard.tables.models import TableState

AT_ONCE = 40
EVERY = timedelta(hours=24)


def keep_forecasts(target_id: int, now: datetime, at_once: int = AT_ONCE) -> int:
    """Look ahead for the tables whose turn it is, the largest first; how many. The caller commits."""
    due = (
        select(TableState.oid)
        .where(
            TableState.target_id == target_id,
            TableState.parent_oid.is_(None),
            TableState.total_bytes.is_not(None),
            TableState.first_seen_at <= now - timedelta(days=LEAST_DAYS - 1),
            or_(TableState.forecast_at.is_(None), TableState.forecast_at < now - EVERY),
        )
        .order_by(TableState.forecast_at.nulls_first(), TableState.total_bytes.desc(), TableState.oid)
    )
    oids = list(db.session.scalars(due.limit(at_once)))
    if oids:
        kept = [_kept(oid, parts, now) for oid, parts in days_of(target_id, oids, now).items()]
        for one in kept:
            where = (TableState.target_id == target_id, TableState.oid == one.pop("oid"))
            db.session.execute(update(TableState).where(*where).values(one))
    return len(oids)


def _kept(oid: int, parts: Parts, now: datetime) -> dict[str, Any]:
    forecasts: dict[str, Forecast] = {name: forecast(days) for name, days in parts.items()}
    ahead = together(list(forecasts.values()), HORIZONS[0])
    return {
        "oid": oid,
        "projected_low_bytes": round(ahead.low) if ahead else None,
        "projected_bytes": round(ahead.middle) if ahead else None,
        "projected_high_bytes": round(ahead.high) if ahead else None,
        "forecast_note": None if ahead else why_not(forecasts),
        "forecast_at": now,
    }
