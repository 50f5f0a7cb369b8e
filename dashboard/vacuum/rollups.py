"""What hours and days keep of ids and sequences: where they stood last. See dashboard/rollup.py."""

from dashboard.rollup import Rollup

IDS = """
select distinct on (target_id, {bucket}) *
from {xid_sample}
order by target_id, {bucket}, slot desc
"""
SEQUENCES = """
select distinct on (target_id, oid, {bucket}) *
from {sequence_sample}
order by target_id, oid, {bucket}, slot desc
"""
ROLLUPS = (Rollup({"xid_sample": IDS}), Rollup({"sequence_sample": SEQUENCES}))
