"""What hours and days keep of sizes: the last ones. See dashboard/rollup.py."""

from dashboard.rollup import Rollup

TABLES = """
select distinct on (target_id, oid, {bucket}) *
from {table_sample}
order by target_id, oid, {bucket}, slot desc
"""
INDEXES = """
select distinct on (target_id, oid, {bucket}) *
from {index_sample}
order by target_id, oid, {bucket}, slot desc
"""
READINGS = """
select distinct on (target_id, {bucket}) *
from {table_reading}
order by target_id, {bucket}, slot desc
"""
ROLLUPS = (Rollup({"table_sample": TABLES}), Rollup({"index_sample": INDEXES}), Rollup({"table_reading": READINGS}))
