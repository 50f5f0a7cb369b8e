"""What days keep of evaluations: their sums. See dashboard/rollup.py."""

from dashboard.rollup import Rollup

USAGE = """
select
    environment_id, flag_key, max(slot) as slot, variant, reason, api_key_id, sum(count) as count,
    sum(bulk_count) as bulk_count
from {flag_usage}
group by environment_id, flag_key, variant, reason, api_key_id, {bucket}
"""
ROLLUPS = (Rollup({"flag_usage": USAGE}),)
