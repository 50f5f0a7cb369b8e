"""Segments, and the bucketing that a flag set is pinned to."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flag_segment",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("environment_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.CheckConstraint("name ~ '^[A-Za-z0-9._-]{1,200}$'", name=op.f("ck_flag_segment_name")),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environment.id"], name=op.f("fk_flag_segment_environment_id_environment")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flag_segment")),
        sa.UniqueConstraint("environment_id", "name", name=op.f("uq_flag_segment_environment_id_name")),
    )
    op.add_column("flag_revision", sa.Column("bucketing", sa.Text(), server_default="v2", nullable=False))
    op.create_check_constraint(op.f("ck_flag_revision_bucketing"), "flag_revision", "bucketing in ('v2', 'v3')")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_flag_revision_bucketing"), "flag_revision")
    op.drop_column("flag_revision", "bucketing")
    op.drop_table("flag_segment")
