"""Writes what a reading found: families, entries, differences and the reading itself. Bulk, one statement each."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, LargeBinary, any_, delete, exists, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.statements.models import StatementEntry, StatementFamily, StatementReading, StatementSample
from dashboard.statements.rules import Added, Counters, Key, Reading
from dashboard.store import db

LONGEST_TEXT = 10_000
KEEP_GONE = timedelta(days=30)
KEY = (StatementEntry.userid, StatementEntry.toplevel, StatementEntry.queryid)
UPSERT = text("""
insert into statement_entry as e (
    target_id, userid, toplevel, queryid, family_id, username, first_seen_at, changed_at, stats_since,
    calls, total_ms, stddev_ms, rows, shared_hit, shared_read, temp_blocks, wal_bytes, io_ms
)
select
    :target_id, r.userid, r.toplevel, r.queryid, r.family_id, r.username, :slot, :slot, r.stats_since,
    r.calls, r.total_ms, r.stddev_ms, r.rows, r.shared_hit, r.shared_read, r.temp_blocks, r.wal_bytes, r.io_ms
from json_to_recordset(cast(:entries as json)) as r (
    userid bigint, toplevel boolean, queryid bigint, family_id bigint, username text, stats_since timestamptz,
    calls bigint, total_ms float8, stddev_ms float8, rows bigint, shared_hit bigint, shared_read bigint,
    temp_blocks bigint, wal_bytes bigint, io_ms float8
)
on conflict (target_id, userid, toplevel, queryid) do update set
    (username, changed_at, gone_at, stats_since, calls, total_ms, stddev_ms, rows, shared_hit, shared_read,
     temp_blocks, wal_bytes, io_ms)
    = (excluded.username, excluded.changed_at, null, excluded.stats_since, excluded.calls, excluded.total_ms,
       excluded.stddev_ms, excluded.rows, excluded.shared_hit, excluded.shared_read, excluded.temp_blocks,
       excluded.wal_bytes, excluded.io_ms)
""")
SAMPLES = text("""
insert into statement_sample (
    target_id, slot, family_id, calls, total_ms, squares_ms2, rows, shared_hit, shared_read, temp_blocks, wal_bytes,
    io_ms
)
select
    :target_id, :slot, r.family_id, r.calls, r.total_ms, r.squares_ms2, r.rows, r.shared_hit, r.shared_read,
    r.temp_blocks, r.wal_bytes, r.io_ms
from json_to_recordset(cast(:samples as json)) as r (
    family_id bigint, calls bigint, total_ms float8, squares_ms2 float8, rows bigint, shared_hit bigint,
    shared_read bigint, temp_blocks bigint, wal_bytes bigint, io_ms float8
)
on conflict do nothing
""")
GONE = text("""
update statement_entry as e
set gone_at = :slot
from json_to_recordset(cast(:entries as json)) as r (userid bigint, toplevel boolean, queryid bigint)
where (e.target_id, e.userid, e.toplevel, e.queryid) = (:target_id, r.userid, r.toplevel, r.queryid)
""")


class Stored(NamedTuple):
    """An entry as the store knows it; `gone_at` tells since when the server does not have it."""

    family_id: int
    gone_at: datetime | None
    counters: Counters


def is_stored(target_id: int, slot: datetime) -> bool:
    return db.session.get(StatementReading, (target_id, slot)) is not None


def previous_reading(target_id: int) -> Reading | None:
    found = select(StatementReading).where(StatementReading.target_id == target_id)
    row = db.session.scalar(found.order_by(StatementReading.slot.desc()).limit(1))
    if row is None:
        return None
    return Reading(
        slot=row.slot,
        at=row.read_at,
        epoch=row.epoch,
        started_at=row.started_at,
        stats_reset_at=row.stats_reset_at,
        evictions=row.evictions,
        hidden_entries=row.hidden_entries,
        hidden_total_ms=row.hidden_total_ms,
    )


def stored_entries(target_id: int) -> dict[Key, Stored]:
    """Every entry that was seen and is not forgotten, with its counters when it was read last."""
    counters = [getattr(StatementEntry, name) for name in Counters._fields]
    columns = select(*KEY, StatementEntry.family_id, StatementEntry.gone_at, *counters)
    found = db.session.execute(columns.where(StatementEntry.target_id == target_id))
    return {Key(*row[:3]): Stored(row[3], row[4], Counters(*row[5:])) for row in map(tuple, found)}


def store_families(target_id: int, slot: datetime, texts: Mapping[bytes, str]) -> dict[bytes, int]:
    """The ids of the families of these keys; a text is stored once, the first one seen."""
    if not texts:
        return {}
    rows = [
        {
            "target_id": target_id,
            "text_key": key,
            "text": whole[:LONGEST_TEXT],
            "text_truncated": len(whole) > LONGEST_TEXT,
            "first_seen_at": slot,
            "last_seen_at": slot,
        }
        for key, whole in texts.items()
    ]
    index = [StatementFamily.target_id, StatementFamily.text_key]
    db.session.execute(insert(StatementFamily).on_conflict_do_nothing(index_elements=index), rows)
    ids = select(StatementFamily.text_key, StatementFamily.id).where(
        StatementFamily.target_id == target_id,
        StatementFamily.text_key == any_(literal(list(texts), ARRAY(LargeBinary))),
    )
    return {row.text_key: row.id for row in db.session.execute(ids)}


def store_samples(target_id: int, slot: datetime, added: Mapping[Key, Added], families: Mapping[Key, int]) -> None:
    """One row for each family that did something; the entries of a family add up."""
    sums: dict[int, Added] = {}
    for key, change in added.items():
        family_id = families[key]
        sums[family_id] = sums[family_id] + change if family_id in sums else change
    if not sums:
        return
    samples = json.dumps([{"family_id": key} | asdict(change) for key, change in sums.items()])
    db.session.execute(SAMPLES, {"target_id": target_id, "slot": slot, "samples": samples})
    active = StatementFamily.id == any_(literal(list(sums), ARRAY(BigInteger)))
    seen = update(StatementFamily).where(active).values(last_seen_at=slot)
    db.session.execute(seen, execution_options={"synchronize_session": False})


def store_entries(
    target_id: int,
    slot: datetime,
    counters: Mapping[Key, Counters],
    families: Mapping[Key, int],
    names: Mapping[Key, str],
) -> None:
    """New and changed entries; those that did nothing keep their rows untouched."""
    if not counters:
        return
    rows = [
        key._asdict() | value._asdict() | {"family_id": families[key], "username": names[key]}
        for key, value in counters.items()
    ]
    entries = json.dumps(rows, default=_time)
    db.session.execute(UPSERT, {"target_id": target_id, "slot": slot, "entries": entries})


def mark_gone(target_id: int, slot: datetime, keys: Collection[Key]) -> None:
    """What vanished counts in full when it returns; after 30 days it is forgotten, with families that nobody has."""
    own = StatementEntry.target_id == target_id
    if keys:
        entries = json.dumps([key._asdict() for key in keys])
        db.session.execute(GONE, {"target_id": target_id, "slot": slot, "entries": entries})
    if slot.minute:
        return
    db.session.execute(delete(StatementEntry).where(own, StatementEntry.gone_at < slot - KEEP_GONE))
    used = or_(
        exists().where(StatementEntry.family_id == StatementFamily.id),
        exists().where(StatementSample.family_id == StatementFamily.id),
    )
    old = (StatementFamily.target_id == target_id) & (StatementFamily.last_seen_at < slot - 2 * KEEP_GONE)
    db.session.execute(delete(StatementFamily).where(old, ~used), execution_options={"synchronize_session": False})


def store_reading(
    target_id: int,
    reading: Reading,
    *,
    since: datetime | None,
    reason: str | None,
    own_role: str | None,
    entries: int,
    hidden_ms: float,
) -> None:
    db.session.add(
        StatementReading(
            target_id=target_id,
            slot=reading.slot,
            since=since,
            is_complete=since is not None and reason is None,
            reason=reason,
            read_at=reading.at,
            epoch=reading.epoch,
            started_at=reading.started_at,
            stats_reset_at=reading.stats_reset_at,
            evictions=reading.evictions,
            own_role=own_role,
            entries=entries,
            hidden_entries=reading.hidden_entries,
            hidden_ms=hidden_ms,
            hidden_total_ms=reading.hidden_total_ms,
        )
    )


def _time(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)
