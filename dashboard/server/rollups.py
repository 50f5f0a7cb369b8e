"""What hours and days keep of a server: last counters, busiest minutes, sums, largest lags. See dashboard/rollup.py."""

from dashboard.rollup import Rollup

DATABASES = """
select distinct on (target_id, {bucket}) *
from {database_sample}
order by target_id, {bucket}, slot desc
"""
CONNECTIONS = """
select
    target_id, max(slot) as slot, max(total) as total, max(active) as active,
    max(idle_in_transaction) as idle_in_transaction, (array_agg(usable order by slot desc))[1] as usable,
    (array_agg(reserved order by slot desc))[1] as reserved,
    (array_agg(groups order by total desc, slot desc))[1] as groups
from {connection_sample}
group by target_id, {bucket}
"""
READINGS = """
select target_id, max(slot) as slot, max(slot) - sum(slot - since) as since, bool_and(is_timed) as is_timed
from {io_reading}
group by target_id, {bucket}
"""
IO = """
select
    target_id, max(slot) as slot, backend_type, object, context, sum(reads) as reads, sum(read_bytes) as read_bytes,
    case when bool_and(read_ms is not null) then sum(read_ms) end as read_ms, sum(writes) as writes,
    sum(write_bytes) as write_bytes, case when bool_and(write_ms is not null) then sum(write_ms) end as write_ms,
    sum(extends) as extends, sum(extend_bytes) as extend_bytes, sum(hits) as hits, sum(evictions) as evictions,
    sum(reuses) as reuses, sum(fsyncs) as fsyncs,
    case when bool_and(fsync_ms is not null) then sum(fsync_ms) end as fsync_ms
from {io_sample}
group by target_id, backend_type, object, context, {bucket}
"""
REPLICATION = """
select target_id, max(slot) as slot, kind, name, max(lag_bytes) as lag_bytes, max(lag_ms) as lag_ms
from {replication_sample}
group by target_id, kind, name, {bucket}
"""
ROLLUPS = (
    Rollup({"database_sample": DATABASES}),
    Rollup({"connection_sample": CONNECTIONS}),
    Rollup({"io_reading": READINGS}),
    Rollup({"io_sample": IO}),
    Rollup({"replication_sample": REPLICATION}),
)
