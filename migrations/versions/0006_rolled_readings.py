"""A reading of an hour says how many readings it sums."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("statement_reading", sa.Column("readings", sa.BigInteger(), nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("statement_reading", "readings")
