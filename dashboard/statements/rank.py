"""The job that stores the order of the usual windows with each reading, so that nobody who looks has to find it."""

from datetime import datetime, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.lists import WINDOWS, parse_window
from dashboard.statements.models import StatementRanking
from dashboard.statements.queries import SPEC, order_sql
from dashboard.statements.readings import evidence, last_reading
from dashboard.statements.sums import ask
from dashboard.statements.windows import Evidence
from dashboard.store import db

MINUTE = timedelta(minutes=1)
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
    return sum(_store(target_id, evidence(target_id, parse_window(window), last.slot)) for window in WINDOWS)


def _store(target_id: int, known: Evidence) -> bool:
    if known.first_slot is None:
        return False
    ranked, asked = order_sql(target_id, known, SPEC.default_sort, also=("calls",))
    found = ask(STORED.format(ranked=ranked, most=MOST_TOLD), asked).one()
    place = {"target_id": target_id, "window_minutes": (known.end - known.start) // MINUTE}
    told = {"first_slot": known.first_slot, "since": known.since, "until": known.until, **found._mapping}  # noqa: SLF001 - from a row to its fields
    statement = insert(StatementRanking).values(place | told)
    db.session.execute(statement.on_conflict_do_update(index_elements=list(place), set_=told))
    return True


def _newest(target_id: int) -> Select[datetime]:
    return select(func.max(StatementRanking.until)).where(StatementRanking.target_id == target_id)
