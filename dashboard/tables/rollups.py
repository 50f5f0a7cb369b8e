"""What hours and days keep of sizes: the last ones. See dashboard/rollup.py."""

from dashboard.rollup import Rollup

TABLES = """
select distinct on (target_id, oid, {bucket}) *
from {table_sample}
order by target_id, oid, {bucket}, slot desc
"""
ROLLUPS = (Rollup({"table_sample": TABLES}),)
