"""Reads the texts of new families for the tables they name, in the worker: pages and web processes stay light."""

from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic

from sqlalchemy import delete, insert, select

from dashboard.statements.models import StatementFamily, StatementRelation
from dashboard.statements.relations import Parsed, relations_of
from dashboard.store import db

BATCH = 50
BUDGET_S = 10.0


def relate(now: datetime, *, budget_s: float = BUDGET_S, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Parse what was not parsed yet, a batch in a transaction; how many. What the budget leaves is due again."""
    until, done = monotonic() + budget_s, 0
    while monotonic() < until and not is_stopping():
        unread = select(StatementFamily).where(StatementFamily.parsed_at.is_(None)).order_by(StatementFamily.id)
        families = db.session.scalars(unread.limit(BATCH).with_for_update(skip_locked=True)).all()
        _store(now, families)
        db.session.commit()
        done += len(families)
        if len(families) < BATCH:
            break
    return done


def _store(now: datetime, families: Sequence[StatementFamily]) -> None:
    found: dict[int, Parsed] = {}
    for family in families:
        parsed = found[family.id] = relations_of(family.text, truncated=family.text_truncated)
        family.parsed_at, family.parse_problem = now, parsed.problem
    db.session.execute(delete(StatementRelation).where(StatementRelation.family_id.in_(found)))
    rows = [
        {"family_id": family_id, "schema": one.schema, "name": one.name}
        | {"is_read": one.is_read, "is_written": one.is_written, "columns": list(one.columns)}
        for family_id, parsed in found.items()
        for one in parsed.relations
    ]
    if rows:
        db.session.execute(insert(StatementRelation), rows)
