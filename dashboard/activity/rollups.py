"""What hours and days keep of sessions: the most at once, and how often each was met. See dashboard/rollup.py."""

from dashboard.rollup import Rollup

ACTIVITY = """
select
    target_id, max(slot) as slot, max(active) as active, max(idle) as idle,
    max(idle_in_transaction) as idle_in_transaction, max(waiting) as waiting, max(blocked) as blocked,
    max(longest_transaction_ms) as longest_transaction_ms, max(hidden) as hidden, (
        select coalesce(jsonb_object_agg(most.application, most.sessions), '{{}}')
        from (
            select one.key as application, max(cast(one.value as bigint)) as sessions
            from unnest(array_agg(by_application)) as minute(applications)
            cross join jsonb_each(minute.applications) as one
            group by one.key
        ) as most
    ) as by_application
from {activity_sample}
group by target_id, {bucket}
"""
MINUTES = """
select
    target_id, max(slot) as slot, sum(looks) as looks, sum(active) as active, max(most_active) as most_active,
    sum(hidden) as hidden, sum(look_ms * looks) / sum(looks) as look_ms,
    (array_agg(blockers order by jsonb_array_length(blockers) desc, active desc, slot))[1] as blockers
from {activity_minute}
group by target_id, {bucket}
"""
GROUPS = """
select
    target_id, max(slot) as slot,
    row_number() over (partition by target_id, {bucket} order by sum(seen) desc, min(slot), min(position)) - 1
        as position,
    wait_class, wait_event, queryid, application, username, sum(seen) as seen
from {activity_group}
group by target_id, {bucket}, wait_class, wait_event, queryid, application, username
"""
ROLLUPS = (
    Rollup({"activity_sample": ACTIVITY}),
    Rollup({"activity_minute": MINUTES, "activity_group": GROUPS}),
)
