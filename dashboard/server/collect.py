"""Each minute: the counters and settings of a server, and what happened to it in between."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.changes.record import record
from dashboard.formats import utc_text
from dashboard.server.models import DatabaseSample, DatabaseState, ServerSetting
from dashboard.server.rules import (
    Identity,
    Mark,
    Setting,
    counting_since,
    is_another_cluster,
    server_marks,
    setting_marks,
    version_text,
)
from dashboard.server.series import fell, hit_share, rate
from dashboard.store import db
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.connect import TargetRefused
from dashboard.targets.probes import Older, Probe
from dashboard.targets.queries import probe_state

PROBE = "server"
CADENCE: Cadence = "minute"
BEFORE_17 = """cross join (
    select
        o.checkpoints_timed as num_timed, 0 as restartpoints_timed,
        o.checkpoints_req as num_requested, 0 as restartpoints_req,
        o.checkpoint_write_time as write_time, o.checkpoint_sync_time as sync_time,
        o.buffers_checkpoint as buffers_written, o.stats_reset
    from pg_stat_bgwriter o
) c"""
DATABASE = Probe.read(
    __file__,
    "database.sql",
    older=(
        Older("pg_stat_checkpointer", "num_done", "c.num_done + c.restartpoints_done as", "null::bigint as"),
        Older("pg_stat_checkpointer", "num_timed", "cross join pg_stat_checkpointer c", BEFORE_17),
    ),
)
IDENTITY = Probe.read(__file__, "identity.sql")
SETTINGS = Probe.read(__file__, "settings.sql")
DAY = timedelta(days=1)
MINUTE, NEAR = timedelta(minutes=1), timedelta(hours=1)
RATES = ("rollbacks", "rows_returned", "rows_changed", "temp_bytes", "deadlocks", "wal_bytes")
LOST_TOGETHER = ("commits", "rollbacks", "blocks_read", "blocks_hit", "rows_returned", "rows_changed", "temp_bytes")
KEPT = ("database_reset_at", "shared_reset_at", "loaded_at")


def collect(collection: Collection) -> None:
    state = probe_state(collection.target.id, PROBE)
    read_before = state.as_of if state else None
    loaded_at = _keep_counters(collection, read_before)
    _keep_settings(collection, read_before, loaded_at)


def _keep_counters(collection: Collection, read_before: datetime | None) -> datetime | None:
    """Store what counts now; when the server read its files since the last reading, or None."""
    target_id, slot = collection.target.id, collection.slot
    found = collection.reader.ask(DATABASE)[0] | {"system_identifier": None, "timeline": None}
    if found.pop("tells_identity"):
        found |= _identity_told(collection)
    told = {name: found.pop(name) for name in KEPT}
    told["times_io"] = found.pop("times_io")
    resets = [at for at in (told["database_reset_at"], told["shared_reset_at"]) if at is not None]
    values = {"target_id": target_id, "slot": slot, "stats_reset_at": max(resets, default=None)} | found
    db.session.execute(insert(DatabaseSample).values(values).on_conflict_do_nothing())
    sample, before, last = (
        DatabaseSample(**values),
        _previous(target_id, slot),
        db.session.get(DatabaseState, target_id),
    )
    version = version_text(collection.reader.server_version)
    now = _identity(sample, told | {"version": version})
    was = _identity(before, _moments(last.detail)) if before is not None and last is not None else None
    lost = before is not None and fell(before, sample, LOST_TOGETHER)
    if was is not None:
        _tell(collection, server_marks(was, now, collection.now, lost=lost), read_before)
    since = counting_since(last.counting_since if last else None, was, now, slot, lost=lost)
    cluster_since = last.cluster_since if last is not None else None
    if was is not None and is_another_cluster(was, now):
        cluster_since = slot
    _keep_state(sample, before, told | {"version": version}, since, cluster_since)
    return told["loaded_at"] if was is not None and told["loaded_at"] != was.loaded_at and was.loaded_at else None


def _identity_told(collection: Collection) -> dict[str, Any]:
    try:
        with collection.reader.savepoint():
            return collection.reader.ask(IDENTITY)[0]
    except TargetRefused:
        return {}


def _keep_state(
    sample: DatabaseSample,
    before: DatabaseSample | None,
    told: dict[str, Any],
    since: datetime | None,
    cluster_since: datetime | None,
) -> None:
    detail = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}
    if before is not None:
        detail |= {f"{name}_per_s": rate(before, sample, name) for name in RATES}
    same = ("slot", "size_bytes", "connections", "connections_max", "system_identifier", "timeline", "is_standby")
    values = {name: getattr(sample, name) for name in same} | {
        "growth_24h_bytes": _growth(sample),
        "cache_hit_share": hit_share(before, sample) if before is not None else None,
        "commits_per_s": rate(before, sample, "commits") if before is not None else None,
        "detail": detail,
        "counting_since": since,
        "cluster_since": cluster_since,
    }
    row = insert(DatabaseState).values(target_id=sample.target_id, **values)
    db.session.execute(row.on_conflict_do_update(index_elements=["target_id"], set_=values))


def _growth(sample: DatabaseSample) -> int | None:
    """Against the sample of a day ago; unknown while there is none, or when it is of another cluster."""
    then = _previous(sample.target_id, sample.slot - DAY + MINUTE, since=sample.slot - DAY - NEAR)
    if then is None or then.size_bytes is None or sample.size_bytes is None:
        return None
    if then.system_identifier and sample.system_identifier and then.system_identifier != sample.system_identifier:
        return None
    return sample.size_bytes - then.size_bytes


def _previous(target_id: int, slot: datetime, since: datetime | None = None) -> DatabaseSample | None:
    """The newest sample before a slot."""
    found = select(DatabaseSample).where(DatabaseSample.target_id == target_id, DatabaseSample.slot < slot)
    if since is not None:
        found = found.where(DatabaseSample.slot >= since)
    return db.session.scalars(found.order_by(DatabaseSample.slot.desc()).limit(1)).first()


def _moments(detail: dict[str, Any]) -> dict[str, Any]:
    """What a state remembers of the reading, as it was told."""
    moments = {name: datetime.fromisoformat(detail[name]) if detail.get(name) else None for name in KEPT}
    return moments | {"version": detail.get("version")}


def _identity(sample: DatabaseSample, told: dict[str, Any]) -> Identity:
    return Identity(
        sample.started_at,
        told["database_reset_at"],
        told["shared_reset_at"],
        is_standby=sample.is_standby,
        system_identifier=sample.system_identifier,
        timeline=sample.timeline,
        version=told["version"],
        loaded_at=told["loaded_at"],
    )


def _keep_settings(collection: Collection, read_before: datetime | None, loaded_at: datetime | None) -> None:
    """Rows are written only where something changed; what is no longer visible goes without a mark."""
    target_id = collection.target.id
    rows = {row["name"]: row for row in collection.reader.ask(SETTINGS)}
    of_target = select(ServerSetting).where(ServerSetting.target_id == target_id)
    known = {setting.name: setting for setting in db.session.scalars(of_target)}
    before = {name: _setting(vars(setting)) for name, setting in known.items()}
    after = {name: _setting(row) for name, row in rows.items()}
    marks = setting_marks(before, after, collection.now, loaded_at)
    _tell(collection, marks, read_before)
    changed_at = {name: setting.changed_at for name, setting in known.items()}
    changed_at |= {mark.subject: mark.at for mark in marks}
    changed = [
        row | {"target_id": target_id, "changed_at": changed_at.get(name)}
        for name, row in rows.items()
        if name not in known or any(getattr(known[name], column) != value for column, value in row.items())
    ]
    if changed:
        upsert = insert(ServerSetting)
        told = {name: upsert.excluded[name] for name in changed[0]}
        db.session.execute(upsert.on_conflict_do_update(index_elements=["target_id", "name"], set_=told), changed)
    if gone := known.keys() - rows.keys():
        vanished = delete(ServerSetting).where(ServerSetting.target_id == target_id, ServerSetting.name.in_(gone))
        db.session.execute(vanished)
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
