"""Changes of flags that happen at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flag_schedule",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("public_id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), sa.ForeignKey(refers_to, ondelete="CASCADE"), nullable=False)
            for name, refers_to in (("flag_id", "flag.id"), ("environment_id", "environment.id"))
        ),
        sa.Column("author_id", sa.BigInteger(), sa.ForeignKey("account.id", ondelete="SET NULL")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("base_version", "stands_on", "done_steps")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("title", "reason", "author", "state")),
        sa.Column("is_approved", sa.Boolean(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("carried", sa.JSON()),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        *(sa.Column(name, sa.Text()) for name in ("ended_by", "why")),
        sa.CheckConstraint("state in ('pending', 'done', 'cancelled', 'void')", name="state"),
        sa.CheckConstraint("(state = 'pending') = (next_at is not null)", name="next"),
        sa.UniqueConstraint("public_id"),
    )
    op.create_index(
        "uq_flag_schedule_pending",
        "flag_schedule",
        ["flag_id", "environment_id"],
        unique=True,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_flag_schedule_next", "flag_schedule", ["next_at"], postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index("ix_flag_schedule_created_at", "flag_schedule", ["created_at"])


def downgrade() -> None:
    op.drop_table("flag_schedule")
