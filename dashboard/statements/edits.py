"""Writes what a reading found: families, the ids they have on the server, entries, differences, the reading itself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, LargeBinary, any_, delete, exists, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.statements import bulk
from dashboard.statements.models import (
    StatementEntry,
    StatementFamily,
    StatementIdentity,
    StatementReading,
    StatementSample,
)
from dashboard.statements.rules import Added, Counters, Key, Reading, together
from dashboard.store import db

LONGEST_TEXT = 10_000
KEEP_GONE = timedelta(days=30)
STORED = f"""
select userid, toplevel, queryid, family_id, gone_at, changed_at, {", ".join(Counters._fields)}
from statement_entry
where target_id = %(target_id)s
"""  # noqa: S608 - names of our own columns
IDENTITY = "target_id, queryid, userid, toplevel, system, dbid, major, family_id"
KNOWN_AS = text(f"""
insert into statement_identity ({IDENTITY}, username, valid_from)
select
    :target_id, r.queryid, r.userid, r.toplevel, :system, :dbid, :major, e.family_id, e.username, :slot
from unnest(
    cast(:userids as bigint[]), cast(:toplevels as boolean[]), cast(:queryids as bigint[])
) as r (userid, toplevel, queryid)
join statement_entry as e
    on e.target_id = :target_id and e.userid = r.userid and e.toplevel = r.toplevel and e.queryid = r.queryid
on conflict ({IDENTITY}) do update set valid_until = null, username = excluded.username
""")  # noqa: S608 - names of our own columns
NOT_KNOWN = text("""
update statement_identity as i
set valid_until = :slot
from unnest(
    cast(:userids as bigint[]), cast(:toplevels as boolean[]), cast(:queryids as bigint[])
) as r (userid, toplevel, queryid)
where i.target_id = :target_id
    and (i.userid, i.toplevel, i.queryid) = (r.userid, r.toplevel, r.queryid)
    and i.valid_until is null
""")


class Stored(NamedTuple):
    """An entry as the store knows it; `gone_at` tells since when the server does not have it."""

    family_id: int
    gone_at: datetime | None
    changed_at: datetime
    counters: Counters


@dataclass(frozen=True)
class Place:
    """Where ids come from: the same number means another statement on another server, database or version."""

    system: str
    dbid: int
    major: int


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
    """Every entry that was seen and is not forgotten, with its counters when it was read last.

    Thousands each minute: the driver's own tuples cost half of the session's rows.
    """
    driver: Any = db.session.connection().connection.driver_connection
    rows = driver.cursor(binary=True).execute(STORED, {"target_id": target_id}).fetchall()
    return {Key._make(row[:3]): Stored(row[3], row[4], row[5], Counters._make(row[6:])) for row in rows}


def forget_entries(target_id: int, slot: datetime) -> None:
    """Another server answers: its ids are its own, though they may look the same. The old ones stay known."""
    identity = StatementIdentity
    still = update(identity).where(identity.target_id == target_id, identity.valid_until.is_(None))
    db.session.execute(still.values(valid_until=slot), execution_options={"synchronize_session": False})
    db.session.execute(delete(StatementEntry).where(StatementEntry.target_id == target_id))


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
        sums[family_id] = together(sums[family_id], change) if family_id in sums else change
    bulk.write_samples(target_id, slot, sums)


def store_entries(
    target_id: int,
    slot: datetime,
    place: Place,
    counters: Mapping[Key, Counters],
    stored: Mapping[Key, Stored],
    families: Mapping[Key, int],
    names: Mapping[Key, str],
) -> None:
    """New, returned and changed entries; those that did nothing keep their rows untouched."""
    new = {key: value for key, value in counters.items() if key not in stored}
    returned = [key for key in counters if key in stored and stored[key].gone_at is not None]
    moved = {key: value for key, value in counters.items() if key in stored and stored[key].counters != value}
    bulk.write_new(target_id, slot, new, families, [names[key] for key in new])
    goes_on = {key for key in moved if _since(stored[key].counters) == _since(counters[key])}
    bulk.write_changed(target_id, slot, {key: moved[key] for key in goes_on})
    bulk.write_restarted(target_id, slot, {key: counters[key] for key in (moved.keys() | returned) - goes_on})
    bulk.write_seen(slot, {families[key] for key in moved if _hour(stored[key].changed_at) != _hour(slot)})
    _known_as(target_id, slot, place, [*new, *returned])


def mark_gone(target_id: int, slot: datetime, keys: Collection[Key]) -> None:
    """What vanished counts in full when it returns; after 30 days it is forgotten, with families that nobody has."""
    own = StatementEntry.target_id == target_id
    if keys:
        bulk.write_gone(target_id, slot, keys)
        db.session.execute(NOT_KNOWN, {"target_id": target_id, "slot": slot} | _columns(list(keys)))
    if slot.minute:
        return
    db.session.execute(delete(StatementEntry).where(own, StatementEntry.gone_at < slot - KEEP_GONE))
    used = or_(
        exists().where(StatementEntry.family_id == StatementFamily.id),
        exists().where(StatementSample.family_id == StatementFamily.id),
    )
    old = (StatementFamily.target_id == target_id) & (StatementFamily.last_seen_at < slot - 2 * KEEP_GONE)
    db.session.execute(delete(StatementFamily).where(old, ~used), execution_options={"synchronize_session": False})


def _known_as(target_id: int, slot: datetime, place: Place, keys: Sequence[Key]) -> None:
    if keys:
        where = {"target_id": target_id, "slot": slot, "system": place.system, "dbid": place.dbid, "major": place.major}
        db.session.execute(KNOWN_AS, where | _columns(keys))


def _columns(keys: Sequence[Key]) -> dict[str, list[int] | list[bool]]:
    return {
        "userids": [key.userid for key in keys],
        "toplevels": [key.toplevel for key in keys],
        "queryids": [key.queryid for key in keys],
    }


def _since(counters: Counters) -> tuple[datetime | None, datetime | None]:
    return counters.stats_since, counters.max_since


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


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
