"""What hours and days keep of sessions: the most of each kind at once. See dashboard/rollup.py."""

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
ROLLUPS = (Rollup({"activity_sample": ACTIVITY}),)
