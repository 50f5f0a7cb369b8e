"""The job that stores the order of the usual windows with each reading, so that nobody who looks has to find it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.lists import WINDOWS, parse_window
from dashboard.statements import comparing
from dashboard.statements.models import StatementRanking
from dashboard.statements.queries import SPEC, order_sql
from dashboard.statements.ranking import COMPARED, order_of
from dashboard.statements.readings import evidence, last_reading
from dashboard.statements.sums import ask
from dashboard.statements.windows import Evidence
from dashboard.store import db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MOST_TOLD = 20
STORED = """
select
    coalesce(array_agg(id order by place desc nulls last, id), '{{}}') as families,
    coalesce((array_agg(calls order by place desc nulls last, id))[1:{most}], '{{}}') as calls,
    coalesce((array_agg(total_ms order by place desc nulls last, id))[1:{most}], '{{}}') as total_ms,
    coalesce(sum(total_ms), 0) as everything
from ({ranked}) as ranked
"""


def rank(target_id: int) -> int:
    """Store the order of each usual window that ends with the newest reading; how many. Twice stores it once."""
    last = last_reading(target_id)
    if last is None or db.session.scalar(_newest(target_id)) == last.slot:
        return 0
    windows = [evidence(target_id, parse_window(window), last.slot) for window in WINDOWS]
    before = evidence(target_id, HOUR, last.slot - HOUR)
    return sum(_store(target_id, one) for one in windows) + _compare(target_id, before, windows[WINDOWS.index("1h")])


def _store(target_id: int, known: Evidence) -> bool:
    if known.first_slot is None:
        return False
    ranked, asked = order_sql(target_id, known, SPEC.default_sort, also=("calls",))
    found = ask(STORED.format(ranked=ranked, most=MOST_TOLD), asked).one()
    told = {"first_slot": known.first_slot, "since": known.since, "until": known.until, **found._mapping}  # noqa: SLF001 - from a row to its fields
    return _write(target_id, (known.end - known.start) // MINUTE, told)


def _compare(target_id: int, before: Evidence, after: Evidence) -> bool:
    """The last hour against the one before it, by what changed."""
    if before.first_slot is None or after.first_slot is None:
        return False
    found = order_of(*comparing.order_sql(target_id, before, after, comparing.USUAL[0], comparing.USUAL[2]), "desc")
    told: dict[str, Any] = {"first_slot": before.first_slot, "since": before.since, "until": after.until}
    told |= {"families": list(found.families), "calls": [], "total_ms": [], "everything": found.everything or 0.0}
    return _write(target_id, COMPARED, told)


def _write(target_id: int, minutes: int, told: dict[str, Any]) -> bool:
    place = {"target_id": target_id, "window_minutes": minutes}
    statement = insert(StatementRanking).values(place | told)
    db.session.execute(statement.on_conflict_do_update(index_elements=list(place), set_=told))
    return True


def _newest(target_id: int) -> Select[datetime]:
    return select(func.max(StatementRanking.until)).where(StatementRanking.target_id == target_id)
