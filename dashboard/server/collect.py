"""Each minute: the counters and settings of a server, and what changed about them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.changes.record import record
from dashboard.formats import utc_text
from dashboard.server.models import DatabaseSample, DatabaseState, ServerSetting
from dashboard.server.rules import Identity, Mark, Setting, server_marks, setting_marks
from dashboard.server.series import hit_share, rate
from dashboard.store import db
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.probes import Probe
from dashboard.targets.queries import probe_state

PROBE = "server"
CADENCE: Cadence = "minute"
DATABASE = Probe.read(__file__, "database.sql")
SETTINGS = Probe.read(__file__, "settings.sql")
DAY = timedelta(days=1)
MINUTE, NEAR = timedelta(minutes=1), timedelta(hours=1)
RATES = ("rollbacks", "rows_returned", "rows_changed", "temp_bytes", "deadlocks", "wal_bytes")


def collect(collection: Collection) -> None:
    state = probe_state(collection.target.id, PROBE)
    read_before = state.as_of if state else None
    _keep_counters(collection, read_before)
    _keep_settings(collection, read_before)


def _keep_counters(collection: Collection, read_before: datetime | None) -> None:
    target_id, slot = collection.target.id, collection.slot
    found = collection.reader.ask(DATABASE)[0]
    resets = {name: found.pop(name) for name in ("database_reset_at", "shared_reset_at")}
    found["stats_reset_at"] = max((at for at in resets.values() if at is not None), default=None)
    values = {"target_id": target_id, "slot": slot} | found
    db.session.execute(insert(DatabaseSample).values(values).on_conflict_do_nothing())
    before, sample = _previous(target_id, slot), DatabaseSample(**values)
    last = db.session.get(DatabaseState, target_id)
    if before is not None and last is not None:
        was = _identity(before, last.detail)
        now = Identity(found["started_at"], **resets, is_standby=found["is_standby"])
        _tell(collection, server_marks(was, now, collection.now), read_before)
    _keep_state(sample, before, resets)


def _keep_state(sample: DatabaseSample, before: DatabaseSample | None, resets: dict[str, datetime | None]) -> None:
    detail: dict[str, Any] = {name: at.isoformat() if at else None for name, at in resets.items()}
    if before is not None:
        detail |= {f"{name}_per_s": rate(before, sample, name) for name in RATES}
    values = {
        "slot": sample.slot,
        "size_bytes": sample.size_bytes,
        "growth_24h_bytes": _growth(sample),
        "connections": sample.connections,
        "connections_max": sample.connections_max,
        "cache_hit_share": hit_share(before, sample) if before is not None else None,
        "commits_per_s": rate(before, sample, "commits") if before is not None else None,
        "detail": detail,
    }
    row = insert(DatabaseState).values(target_id=sample.target_id, **values)
    db.session.execute(row.on_conflict_do_update(index_elements=["target_id"], set_=values))


def _growth(sample: DatabaseSample) -> int | None:
    """Against the sample of a day ago; unknown while there is none."""
    then = _previous(sample.target_id, sample.slot - DAY + MINUTE, since=sample.slot - DAY - NEAR)
    if then is None or then.size_bytes is None or sample.size_bytes is None:
        return None
    return sample.size_bytes - then.size_bytes


def _previous(target_id: int, slot: datetime, since: datetime | None = None) -> DatabaseSample | None:
    """The newest sample before a slot."""
    found = select(DatabaseSample).where(DatabaseSample.target_id == target_id, DatabaseSample.slot < slot)
    if since is not None:
        found = found.where(DatabaseSample.slot >= since)
    return db.session.scalars(found.order_by(DatabaseSample.slot.desc()).limit(1)).first()


def _identity(sample: DatabaseSample, detail: dict[str, Any]) -> Identity:
    resets = {
        name: datetime.fromisoformat(detail[name]) if detail.get(name) else None
        for name in ("database_reset_at", "shared_reset_at")
    }
    return Identity(sample.started_at, **resets, is_standby=sample.is_standby)


def _keep_settings(collection: Collection, read_before: datetime | None) -> None:
    """Rows are written only where something changed; what is no longer visible goes without a mark."""
    target_id = collection.target.id
    rows = {row["name"]: row for row in collection.reader.ask(SETTINGS)}
    known = {
        setting.name: setting
        for setting in db.session.scalars(select(ServerSetting).where(ServerSetting.target_id == target_id))
    }
    before = {name: _setting(vars(setting)) for name, setting in known.items()}
    after = {name: _setting(row) for name, row in rows.items()}
    marks = setting_marks(before, after, collection.now)
    _tell(collection, marks, read_before)
    changed_at = {mark.subject: mark.at for mark in marks}
    for name, row in rows.items():
        if before.get(name) != after[name]:
            values = row | {"changed_at": changed_at.get(name, known[name].changed_at if name in known else None)}
            upsert = insert(ServerSetting).values(target_id=target_id, **values)
            db.session.execute(upsert.on_conflict_do_update(index_elements=["target_id", "name"], set_=values))
    if gone := known.keys() - rows.keys():
        of_target = delete(ServerSetting).where(ServerSetting.target_id == target_id)
        db.session.execute(of_target.where(ServerSetting.name.in_(gone)))
    collection.done(len(rows) + 1)


def _setting(row: dict[str, Any]) -> Setting:
    return Setting(row["value"], row["unit"], row["source"], row["pending_restart"])


def _tell(collection: Collection, marks: list[Mark], read_before: datetime | None) -> None:
    target = collection.target
    for mark in marks:
        record(
            mark.kind,
            mark.title,
            subject=mark.subject,
            target_id=target.id,
            environment_id=target.environment_id,
            at=mark.at,
            noticed_after=None if mark.exact else read_before,
            detail=mark.detail,
            dedupe_key=f"{mark.kind}:{target.id}:{mark.subject}:{mark.title}:{utc_text(mark.at)}",
        )
