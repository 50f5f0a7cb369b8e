"""The job queue: procrastinate 3.10 in a schema of its own."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql" / "procrastinate-3.10.0.sql"


def upgrade() -> None:
    op.execute("create schema queue")
    op.execute("set local search_path = queue")
    op.get_bind().exec_driver_sql(SQL.read_text(encoding="utf-8").replace("%", "%%"))
    op.execute("set local search_path = public")


def downgrade() -> None:
    op.execute("drop schema queue cascade")
