"""What days that are old keep of the sums: whole hours, then whole days."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from dashboard.rollup import GRAINS
from dashboard.statements.models import StatementSum
from dashboard.statements.rollups import WHOLE
from dashboard.targets.models import Target

DAY = datetime(2026, 11, 1, tzinfo=UTC)
COUNTED = ("calls", "total_ms", "squares_ms2", "rows", "shared_hit", "shared_read", "temp_blocks", "wal_bytes")


@pytest.mark.parametrize(("grain", "kept"), [("hours", {60: 24, 1440: 1}), ("days", {1440: 1})])
def test_only_whole_hours_and_days_stay(store: Session, target: Target, grain: str, kept: dict[int, int]) -> None:
    for minutes in (10, 60, 1440):
        for number in range(1440 // minutes):
            slot = DAY + timedelta(minutes=minutes * number)
            counted = dict.fromkeys(COUNTED, 1)
            store.add(StatementSum(target_id=target.id, minutes=minutes, slot=slot, family_id=1, **counted))
    store.flush()
    rows = store.execute(text(WHOLE.format(statement_sum="statement_sum", bucket=GRAINS[grain]))).all()
    assert {minutes: sum(row.minutes == minutes for row in rows) for minutes in {row.minutes for row in rows}} == kept
