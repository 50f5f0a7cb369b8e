"""Writes thousands of rows with one statement each: columns travel as array literals, which is what costs least."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import TextClause, text

from dashboard.statements.blocks import LEVELS, closed
from dashboard.statements.rules import Added, Counters, Key
from dashboard.store import copy_in, db

COUNTERS = ", ".join(Counters._fields)
ADDED = ", ".join(Added._fields)
KEY_TYPES = ("bigint", "boolean", "bigint")
COUNTER_TYPES = (
    "bigint", "float8", "float8", "bigint", "bigint", "bigint", "bigint", "bigint", "float8", "timestamptz",
    "float8", "timestamptz",
)  # fmt: skip
ADDED_TYPES = (
    "bigint", "float8", "float8", "bigint", "bigint", "bigint", "bigint", "bigint", "float8", "float8", "float8",
)  # fmt: skip


def _unnested(types: Sequence[str]) -> str:
    return ", ".join(f"cast(:c{place} as {kind}[])" for place, kind in enumerate(types))


CHANGED = """
update statement_entry as e
set (changed_at, gone_at, {columns}) = (:slot, null, {values})
from unnest({types}) as r (userid, toplevel, queryid, {columns})
where e.target_id = :target_id and e.userid = r.userid and e.toplevel = r.toplevel and e.queryid = r.queryid
"""


def _changed(names: Sequence[str]) -> TextClause:
    types = [COUNTER_TYPES[Counters._fields.index(name)] for name in names]
    columns, values = ", ".join(names), ", ".join(f"r.{name}" for name in names)
    return text(CHANGED.format(columns=columns, values=values, types=_unnested((*KEY_TYPES, *types))))


GOES_ON = tuple(name for name in Counters._fields if name not in {"stats_since", "max_since"})
WENT_ON, RESTARTED = _changed(GOES_ON), _changed(Counters._fields)
going_on = attrgetter(*GOES_ON)
NEW = text(f"""
insert into statement_entry (
    target_id, first_seen_at, changed_at, username, userid, toplevel, queryid, {COUNTERS}, family_id
)
select :target_id, :slot, :slot, r.*
from unnest(cast(:usernames as text[]), {_unnested((*KEY_TYPES, *COUNTER_TYPES, "bigint"))}) as r
on conflict do nothing
""")  # noqa: S608
GONE = text(f"""
update statement_entry as e
set gone_at = :slot
from unnest({_unnested(KEY_TYPES)}) as r (userid, toplevel, queryid)
where (e.target_id, e.userid, e.toplevel, e.queryid) = (:target_id, r.userid, r.toplevel, r.queryid)
""")  # noqa: S608
SEEN = text("update statement_family set last_seen_at = :slot where id = any(cast(:families as bigint[]))")
SUMMED = """
insert into statement_sum (target_id, minutes, slot, family_id, {added})
select
    :target_id, :minutes, :start, family_id, sum(calls), sum(total_ms), sum(squares_ms2), sum(rows), sum(shared_hit),
    sum(shared_read), sum(temp_blocks), sum(wal_bytes), case when bool_and(io_ms is not null) then sum(io_ms) end,
    max(max_ms), case when bool_and(max_bound_ms is not null) then max(max_bound_ms) end
from {source}
where target_id = :target_id and slot >= :start and slot < :start + make_interval(mins => :minutes)
group by family_id
"""


def write_samples(target_id: int, slot: datetime, sums: Mapping[int, Added]) -> None:
    """One row for each family that did something, in the order of the primary key: its pages fill one by one."""
    names = ("target_id", "slot", "family_id", *Added._fields)
    rows = ((target_id, slot, family_id, *sums[family_id]) for family_id in sorted(sums))
    copy_in("statement_sample", names, rows, types=("bigint", "timestamptz", "bigint", *ADDED_TYPES))


def write_changed(target_id: int, slot: datetime, counters: Mapping[Key, Counters]) -> None:
    """Entries that count on from where they began; the times of their beginning stay as they are."""
    if counters:
        rows = ((*key, *going_on(value)) for key, value in counters.items())
        _run(WENT_ON, rows, target_id=target_id, slot=slot)


def write_restarted(target_id: int, slot: datetime, counters: Mapping[Key, Counters]) -> None:
    """Entries that began anew, or returned."""
    if counters:
        _run(RESTARTED, ((*key, *value) for key, value in counters.items()), target_id=target_id, slot=slot)


def write_new(
    target_id: int, slot: datetime, counters: Mapping[Key, Counters], families: Mapping[Key, int], names: Sequence[str]
) -> None:
    """Entries seen for the first time, with the role of each."""
    if counters:
        rows = ((*key, *value, families[key]) for key, value in counters.items())
        _run(NEW, rows, target_id=target_id, slot=slot, usernames=list(names))


def write_gone(target_id: int, slot: datetime, keys: Iterable[Key]) -> None:
    if told := list(keys):
        _run(GONE, told, target_id=target_id, slot=slot)


def write_seen(slot: datetime, families: Iterable[int]) -> None:
    if told := ",".join(map(str, families)):
        db.session.execute(SEEN, {"slot": slot, "families": f"{{{told}}}"})


def sum_up(target_id: int, previous: datetime, current: datetime) -> None:
    """Add up the blocks that this reading ended; one that is summed again replaces what it was."""
    again = text("delete from statement_sum where target_id = :target_id and minutes = :minutes and slot = :start")
    for minutes, start in closed(previous, current):
        place = {"target_id": target_id, "minutes": minutes, "start": start}
        db.session.execute(again, place)
        finer = f"statement_sum where minutes = {LEVELS[LEVELS.index(minutes) - 1]} and"
        source = "statement_sample where" if minutes == LEVELS[0] else finer
        sums = SUMMED.replace("{source}\nwhere", source).replace("{added}", ADDED)
        db.session.execute(text(sums), place)


def _run(statement: TextClause, rows: Iterable[Sequence[Any]], **params: Any) -> None:
    columns = {f"c{place}": _array(column) for place, column in enumerate(zip(*rows, strict=True))}
    db.session.execute(statement, columns | params)


def _array(values: Sequence[Any]) -> str:
    """Numbers, truths and times as an array literal; words never come this way."""
    if isinstance(next((value for value in values if value is not None), None), datetime):
        return "{" + ",".join("NULL" if value is None else value.isoformat() for value in values) + "}"
    return "{" + ",".join(map(str, values)).replace("None", "NULL") + "}"
