"""What statistics keep besides."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _count_dying_rows()


def downgrade() -> None:
    for name in ("vacuumed_ms", "died_rows", "died_since"):
        op.drop_column("table_vacuum", name)


def _count_dying_rows() -> None:
    """Rows that were seen to die, and the time of autovacuum, since when: what its settings are proposed by."""
    since = sa.Column("died_since", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
    op.add_column("table_vacuum", since)
    op.add_column("table_vacuum", sa.Column("died_rows", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("table_vacuum", sa.Column("vacuumed_ms", sa.Float(), nullable=True))
