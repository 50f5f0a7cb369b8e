"""Who may do what in an environment, and changes that wait for somebody else."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "environment_role",
        sa.Column("account_id", sa.BigInteger(), sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        sa.Column(
            "environment_id", sa.BigInteger(), sa.ForeignKey("environment.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("role", sa.Text(), nullable=False),
        sa.CheckConstraint("role in ('viewer', 'operator', 'admin')", name="role"),
        sa.PrimaryKeyConstraint("account_id", "environment_id", name="pk_environment_role"),
    )
    op.create_index("ix_environment_role_environment_id", "environment_role", ["environment_id"])


def downgrade() -> None:
    op.drop_table("environment_role")
