"""What each family added in a window, from the fewest rows that hold it.

Of thousands of families the order is found from the columns that it needs; everything else is added up for the rows
that are shown. The SQL is put together as text: composing it of hundreds of columns took longer than the answer.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from dashboard.rollup import hours_kept, minutes_kept
from dashboard.statements.blocks import LEVELS, Part, began, cover
from dashboard.statements.windows import Evidence
from dashboard.store import db

ADDED = ("calls", "total_ms", "squares_ms2", "rows", "shared_hit", "shared_read", "temp_blocks", "wal_bytes")
TOLD = (*ADDED, "io_ms", "max_ms", "max_bound_ms")
IO_MS = "case when bool_and(io_ms is not null) then sum(io_ms) end"
MAX_BOUND_MS = "case when bool_and(max_bound_ms is not null) then max(max_bound_ms) end"
ADDED_UP = ", ".join(f"sum({name}) as {name}" for name in ADDED)
SUMS = f"{ADDED_UP}, {IO_MS} as io_ms, max(max_ms) as max_ms, {MAX_BOUND_MS} as max_bound_ms"
SINCE = """
with newest as materialized (
    select target_id, date_bin('10 minutes', max(slot), timestamptz '2000-01-01 00:00+00') as last
    from statement_reading
    where slot > :since and {of}
    group by target_id
)
select target_id, family_id, calls, total_ms
from statement_sum
join newest using (target_id)
where minutes = 10 and slot >= :first and slot < last and {of}
union all
select target_id, family_id, calls, total_ms
from statement_sample
where slot > :since and slot < :first and {of}
union all
select target_id, family_id, calls, total_ms
from statement_sample
join newest using (target_id)
where slot >= :first and slot >= last and {of}
"""
Asked = dict[str, Any]


def rows_of(
    target_id: int, known: Evidence, columns: Sequence[str] = TOLD, *, chosen: bool = False, side: str = ""
) -> tuple[str, Asked]:
    """SQL of rows that add up to the window, and what it is asked with: whole blocks where they lie in the window,
    readings at its ends. `chosen` takes only the families in `:families`; `side` keeps two windows apart.
    """
    asked: Asked = {"target_id": target_id}
    parts = []
    for number, part in enumerate(_parts(known)):
        first, last = f"first_{side}{number}", f"last_{side}{number}"
        asked |= {first: part.since, last: part.until}
        parts.append(_rows(part, columns, first, last, chosen=chosen))
    return "\nunion all ".join(parts), asked


def rows_since(since: datetime, target_id: int | None = None) -> tuple[str, Asked]:
    """SQL of rows `target_id, family_id, calls, total_ms` that add up to what happened since then, of one target or
    of all: tens of minutes as far as each target's last reading has closed them.
    """
    of = "true" if target_id is None else "target_id = :target_id"
    first = began(since, LEVELS[0]) + timedelta(minutes=LEVELS[0])
    return SINCE.format(of=of), {"since": since, "first": first, "target_id": target_id}


def all_sums(rows: str) -> str:
    """SQL of whole sums of each family in these rows."""
    return f"select family_id, {SUMS} from ({rows}) as part group by family_id"  # noqa: S608 - our own columns


def ask(sql: str, asked: Asked) -> Any:
    """The answer. Compiling it would take longer than giving it, however many rows are expected."""
    db.session.execute(text("set local jit = off"))
    return db.session.execute(text(sql), asked)


def _parts(known: Evidence) -> Iterator[Part]:
    if known.first_slot is None or known.since is None or known.until is None:
        yield Part(0, known.end, known.start)
        return
    now = datetime.now(UTC)
    kept_from = {10: now - minutes_kept(), 60: now - hours_kept(), 360: now - hours_kept()}
    yield from cover(known.first_slot, known.since, known.until, kept_from)


def _rows(part: Part, columns: Sequence[str], first: str, last: str, *, chosen: bool) -> str:
    table, where = "statement_sample", f"slot >= :{first} and slot <= :{last}"
    if part.minutes:
        table, where = "statement_sum", f"minutes = {part.minutes} and slot >= :{first} and slot < :{last}"
    only = " and family_id = any(:families)" if chosen else ""
    told = ", ".join(("family_id", *columns))
    return f"select {told} from {table} where target_id = :target_id and {where}{only}"  # noqa: S608 - our own names
