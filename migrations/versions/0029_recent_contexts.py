"""The last contexts that applications sent, where an environment keeps them."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    keeps = sa.Column("keeps_contexts", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("environment", keeps)
    op.create_table(
        "recent_context",
        sa.Column(
            "environment_id", sa.BigInteger(), sa.ForeignKey("environment.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "digest", name="pk_recent_context"),
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.drop_table("recent_context")
    op.drop_column("environment", "keeps_contexts")
