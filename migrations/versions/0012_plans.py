"""Plans of statement families."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "plan",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("family_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shape", sa.LargeBinary(), nullable=False),
        sa.Column("document", JSONB(), nullable=False),
        sa.Column("nodes", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.Float(), nullable=False),
        sa.Column("execution_ms", sa.Float()),
        sa.Column("search_path", sa.Text(), nullable=False),
        sa.Column("server_version", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.Text()),
        sa.Column("valid_from", MOMENT, nullable=False),
        sa.Column("valid_until", MOMENT),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.CheckConstraint("kind in ('generic', 'values', 'analyze')", name=op.f("ck_plan_kind")),
        *_owners("plan"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
    )
    op.create_index("ix_plan_family", "plan", ["family_id", "kind", "valid_from"])
    op.create_index("ix_plan_target", "plan", ["target_id", "valid_from"])
    still = sa.text("valid_until is null and kind <> 'analyze'")
    op.create_index("uq_plan_valid", "plan", ["family_id", "kind"], unique=True, postgresql_where=still)
    op.create_table(
        "plan_question",
        sa.Column("family_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("asked_by", sa.Text()),
        sa.Column("sqlstate", sa.Text()),
        sa.Column("refusal", sa.Text()),
        sa.Column("remedy_sql", sa.Text()),
        *_owners("plan_question"),
        sa.PrimaryKeyConstraint("family_id", name=op.f("pk_plan_question")),
    )
    op.create_index(op.f("ix_plan_question_target_id"), "plan_question", ["target_id"])
    op.create_table(
        "plan_capture",
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("captured_at", MOMENT, nullable=False),
        sa.Column("planned", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("is_cut", sa.Boolean(), nullable=False),
        _target("plan_capture"),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_plan_capture")),
    )


def downgrade() -> None:
    for table in ("plan_capture", "plan_question", "plan"):
        op.drop_table(table)


def _target(table):
    name = op.f(f"fk_{table}_target_id")
    return sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=name, ondelete="CASCADE")


def _owners(table):
    name = op.f(f"fk_{table}_family_id")
    return (
        _target(table),
        sa.ForeignKeyConstraint(["family_id"], ["statement_family.id"], name=name, ondelete="CASCADE"),
    )
