"""What hours and days keep of the database counters: the last ones. See dashboard/rollup.py."""

from dashboard.rollup import Rollup

DATABASES = """
select distinct on (target_id, {bucket}) *
from {database_sample}
order by target_id, {bucket}, slot desc
"""
ROLLUPS = (Rollup({"database_sample": DATABASES}),)
