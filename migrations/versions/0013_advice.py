"""Index advice: the last run, the indexes proposed, and why the other families got none."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "advice_run",
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("families", sa.BigInteger(), nullable=False),
        sa.Column("parsed", sa.BigInteger(), nullable=False),
        sa.Column("planned", sa.BigInteger(), nullable=False),
        sa.Column("total_ms", sa.Float(), nullable=False),
        sa.Column("statistics", sa.Text(), nullable=False),
        sa.Column("columns_unknown", sa.BigInteger(), nullable=False),
        sa.Column("has_hypopg", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=op.f("fk_advice_run_target_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_advice_run")),
    )
    op.create_table(
        "advice_index",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("columns", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("predicate", sa.Text(), nullable=True),
        sa.Column("create_sql", sa.Text(), nullable=False),
        sa.Column("drop_sql", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("saved_low_ms", sa.Float(), nullable=False),
        sa.Column("saved_high_ms", sa.Float(), nullable=False),
        sa.Column("saved_ms", sa.Float(), nullable=False),
        sa.Column("family_count", sa.BigInteger(), nullable=False),
        sa.Column("families", postgresql.JSONB(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("table_bytes", sa.BigInteger(), nullable=False),
        sa.Column("written_entries", sa.BigInteger(), nullable=False),
        sa.Column("written_bytes", sa.BigInteger(), nullable=False),
        sa.Column("hot_lost", sa.BigInteger(), nullable=False),
        sa.Column("write_low_ms", sa.Float(), nullable=False),
        sa.Column("write_high_ms", sa.Float(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["target_id"], ["target.id"], name=op.f("fk_advice_index_target_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advice_index")),
        sa.UniqueConstraint("target_id", "key", name=op.f("uq_advice_index_target_id_key")),
    )
    op.create_table(
        "advice_reason",
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("family_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("total_ms", sa.Float(), nullable=False),
        sa.Column("blocks", sa.BigInteger(), nullable=False),
        sa.Column("has_plan", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["target_id"], ["target.id"], name=op.f("fk_advice_reason_target_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["family_id"], ["statement_family.id"], name=op.f("fk_advice_reason_family_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("target_id", "family_id", name=op.f("pk_advice_reason")),
    )
    op.create_index("ix_advice_reason_code", "advice_reason", ["target_id", "code"])
    op.create_index(op.f("ix_advice_reason_family_id"), "advice_reason", ["family_id"])


def downgrade() -> None:
    for table in ("advice_reason", "advice_index", "advice_run"):
        op.drop_table(table)
