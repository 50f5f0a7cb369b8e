"""What took the most time of a target in the last hour, as its summary tells it."""

from datetime import datetime, timedelta

from sqlalchemy import text

from dashboard.statements.queries import SlowestRow, slowest_families
from dashboard.statements.texts import one_line
from dashboard.store import db

HOUR, LATE = timedelta(hours=1), timedelta(minutes=3)
OF_HOUR = """
select told.id, left(family.text, 1000) as text, told.calls, told.total_ms
from statement_ranking as ranking
cross join unnest(
    ranking.families[1 : cardinality(ranking.calls)], ranking.calls, ranking.total_ms
) with ordinality as told(id, calls, total_ms, place)
join statement_family as family
    on family.id = told.id
where
    ranking.target_id = :target_id
    and ranking.window_minutes = 60
    and ranking.until > :late
    and ranking.until = (select max(slot) from statement_reading where target_id = :target_id and slot > :late)
order by told.place
limit :limit
"""


def slowest_of_hour(target_id: int, now: datetime, limit: int) -> list[SlowestRow]:
    """From the stored order of the last hour; found anew where no worker stored it with the newest reading."""
    asked = {"target_id": target_id, "late": now - LATE, "limit": limit}
    found = [
        SlowestRow(row.id, target_id, one_line(row.text), row.calls, row.total_ms, row.total_ms / row.calls)
        for row in db.session.execute(text(OF_HOUR), asked)
    ]
    return found or slowest_families(now - HOUR, limit, target_id)
