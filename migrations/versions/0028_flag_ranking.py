"""The orders of thousands of flags by use, and which of them are stale, as the worker found them last."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flag_ranking",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("flags", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_flag_ranking"),
    )


def downgrade() -> None:
    op.drop_table("flag_ranking")
