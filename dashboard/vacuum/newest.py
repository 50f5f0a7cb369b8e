"""How much of their ids the servers have used, for alerts."""

from datetime import datetime, timedelta

from sqlalchemy import select

from dashboard.store import db
from dashboard.vacuum.models import VacuumState
from dashboard.vacuum.rules import STOP_AGE

LASTS = timedelta(hours=2)
WORDS = {"xid_age": "transaction", "multixact_age": "multixact"}


def id_shares(now: datetime) -> dict[int, dict[str, float]]:
    """Of every target the oldest ids of any of its server's databases, as shares of where the server stops."""
    return {
        state.target_id: {
            word: max(database[name] or 0 for database in state.databases) / STOP_AGE for name, word in WORDS.items()
        }
        for state in db.session.scalars(select(VacuumState).where(VacuumState.slot > now - LASTS))
        if state.databases
    }
