"""Findings with their remedies and dismissals, and what is said of the use of each index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "finding",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("href", sa.Text(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("up", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("down", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("in_transaction", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("dismissed_by", sa.Text(), nullable=True),
        sa.Column("dismissed_reason", sa.Text(), nullable=True),
        sa.Column("dismissed_level", sa.Text(), nullable=True),
        sa.Column("dismissed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("level in ('info', 'warning', 'critical')", name=op.f("ck_finding_level")),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=op.f("fk_finding_target_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("target_id", "key", name=op.f("uq_finding_target_id_key")),
    )
    op.create_index("ix_finding_open", "finding", ["target_id", "source"], postgresql_where=sa.text("ended_at is null"))
    op.create_table(
        "finding_run",
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("found", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["target_id"], ["target.id"], name=op.f("fk_finding_run_target_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("target_id", "source", name=op.f("pk_finding_run")),
    )
    op.create_table(
        "index_verdict",
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("oid", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scans", sa.BigInteger(), nullable=True),
        sa.Column("own_scans", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["target_id"], ["target.id"], name=op.f("fk_index_verdict_target_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("target_id", "oid", name=op.f("pk_index_verdict")),
    )


def downgrade() -> None:
    op.drop_table("index_verdict")
    op.drop_table("finding_run")
    op.drop_table("finding")
