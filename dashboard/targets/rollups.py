"""What hours and days keep of the cost of collecting: the sums of each cadence. See dashboard/rollup.py."""

from dashboard.rollup import Rollup

COSTS = """
select
    target_id, max(slot) as slot, cadence, sum(duration_ms) as duration_ms, sum(target_ms) as target_ms,
    sum(statements) as statements, sum(rows) as rows
from {collector_cost}
group by target_id, cadence, {bucket}
"""
ROLLUPS = (Rollup({"collector_cost": COSTS}),)
