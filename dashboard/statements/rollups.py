"""What hours and days keep of readings and of what each family did: the sums. See dashboard/rollup.py."""

from dashboard.rollup import Rollup

GOES_ON = """coalesce(
    is_complete
    and lag(is_complete) over earlier
    and since = lag(slot) over earlier
    and {bucket} = lag({bucket}) over earlier,
    false
)"""
RUNS = f"""
create temp table rolled_run on commit drop as
select target_id, slot, max(slot) over (partition by target_id, run) as last
from (
    select target_id, slot, count(*) filter (where not goes_on) over (partition by target_id order by slot) as run
    from (
        select target_id, slot, {GOES_ON} as goes_on
        from {{statement_reading}}
        window earlier as (partition by target_id order by slot)
    ) as told
) as counted
"""  # noqa: S608 - the parts are our own
READINGS = """
select
    target_id, slot, told.since, is_complete, reason, read_at, epoch, started_at, stats_reset_at, evictions, own_role,
    told.entries, told.hidden_entries, told.hidden_ms, hidden_total_ms, told.readings
from {statement_reading}
join (
    select
        target_id, last as slot, min(since) as since, max(entries) as entries, max(hidden_entries) as hidden_entries,
        sum(hidden_ms) as hidden_ms, sum(readings) as readings
    from {statement_reading}
    join rolled_run using (target_id, slot)
    group by target_id, last
) as told using (target_id, slot)
"""
STATEMENTS = """
select
    target_id, coalesce(last, slot) as slot, family_id, sum(calls) as calls, sum(total_ms) as total_ms,
    sum(squares_ms2) as squares_ms2, sum(rows) as rows, sum(shared_hit) as shared_hit,
    sum(shared_read) as shared_read, sum(temp_blocks) as temp_blocks, sum(wal_bytes) as wal_bytes,
    case when bool_and(io_ms is not null) then sum(io_ms) end as io_ms,
    max(max_ms) as max_ms,
    case when bool_and(max_bound_ms is not null) then max(max_bound_ms) end as max_bound_ms
from {statement_sample}
left join rolled_run using (target_id, slot)
group by target_id, coalesce(last, slot), family_id
"""
WHOLE = """
select s.*
from {statement_sum} as s
where s.slot = {bucket} and exists (
    select from (select s.slot + make_interval(mins => cast(s.minutes as int)) as slot) as ended where slot = {bucket}
)
"""
ROLLUPS = (
    Rollup({"statement_reading": READINGS, "statement_sample": STATEMENTS, "statement_sum": WHOLE}, before=RUNS),
)
