"""Every five minutes: what pg_stat_io (16 and later) counted since the last reading."""

from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from dashboard.server.differences import Counters, counters, differences
from dashboard.server.models import IoReading, IoSample, IoState
from dashboard.store import db
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.probes import Older, Probe

PROBE = "io"
CADENCE: Cadence = "five_minutes"
VIEW = """left join pg_stat_io i
    on greatest(i.reads, i.writes, i.extends, i.hits, i.evictions, i.reuses, i.fsyncs) > 0"""
NO_VIEW = """left join (
    select
        null::text as backend_type, null::text as object, null::text as context, null::bigint as reads,
        null::float8 as read_time, null::bigint as writes, null::float8 as write_time, null::bigint as extends,
        null::bigint as op_bytes, null::bigint as hits, null::bigint as evictions, null::bigint as reuses,
        null::bigint as fsyncs, null::float8 as fsync_time, null::timestamptz as stats_reset
    where false
) i on true"""
IO = Probe.read(
    __file__,
    "io.sql",
    older=(
        Older("pg_stat_io", "read_bytes", "i.read_bytes::bigint", "i.reads * i.op_bytes"),
        Older("pg_stat_io", "write_bytes", "i.write_bytes::bigint", "i.writes * i.op_bytes"),
        Older("pg_stat_io", "extend_bytes", "i.extend_bytes::bigint", "i.extends * i.op_bytes"),
        Older("pg_stat_io", "backend_type", VIEW, NO_VIEW),
    ),
)


def collect(collection: Collection) -> None:
    """Nothing on servers without the view; their first reading is what later ones are compared with."""
    target_id, slot = collection.target.id, collection.slot
    rows = [row for row in collection.reader.ask(IO) if row["backend_type"] is not None]
    collection.done(len(rows))
    last = db.session.get(IoState, target_id)
    if not rows or (last is not None and last.slot >= slot):
        return
    epoch, now = f"{rows[0]['started_at']} {rows[0]['reset_at']}", counters(rows)
    if last is not None:
        _keep_differences(target_id, slot, last, epoch, now, is_timed=rows[0]["times_io"])
    values: dict[str, Any] = {"slot": slot, "epoch": epoch, "counters": now}
    state = insert(IoState).values(target_id=target_id, **values)
    db.session.execute(state.on_conflict_do_update(index_elements=["target_id"], set_=values))


def _keep_differences(
    target_id: int, slot: datetime, last: IoState, epoch: str, now: Counters, *, is_timed: bool
) -> None:
    found = differences(last.counters, now) if last.epoch == epoch else None
    reading = {"since": None if found is None else last.slot, "is_timed": is_timed}
    db.session.execute(insert(IoReading).values(target_id=target_id, slot=slot, **reading).on_conflict_do_nothing())
    if found:
        rows = [{"target_id": target_id, "slot": slot} | row for row in found]
        db.session.execute(insert(IoSample).on_conflict_do_nothing(), rows)
