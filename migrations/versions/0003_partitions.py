"""A default partition for every history table: a row always finds a place, even before the daily job ran."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PARTITIONED = (
    "activity_sample",
    "collector_cost",
    "database_sample",
    "statement_reading",
    "statement_sample",
    "table_sample",
)


def upgrade() -> None:
    for table in PARTITIONED:
        op.execute(f"create table {table}_pdefault partition of {table} default")


def downgrade() -> None:
    for table in PARTITIONED:
        op.execute(f"drop table {table}_pdefault")
