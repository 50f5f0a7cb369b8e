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
    needed = sa.Column("approvals_needed", sa.BigInteger(), server_default="0", nullable=False)
    op.add_column("environment", needed)
    op.create_check_constraint(
        op.f("ck_environment_approvals_needed"), "environment", "approvals_needed between 0 and 20"
    )
    op.create_table(
        "change_request",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("public_id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        _gone_stays("flag_id", "flag.id"),
        _gone_stays("environment_id", "environment.id"),
        _gone_stays("author_id", "account.id"),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("kind", "subject", "place", "action", "title", "reason", "author", "state")
        ),
        *(sa.Column(name, sa.Text()) for name in ("operation_id", "decided_by", "decision")),
        sa.Column("before", sa.JSON()),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("steps", sa.JSON()),
        sa.Column("base_version", sa.BigInteger(), nullable=False),
        sa.Column("applied_version", sa.BigInteger()),
        _time("asked_at"),
        sa.Column("decided_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("kind in ('change', 'review')", name="kind"),
        sa.CheckConstraint("state in ('open', 'applied', 'rejected', 'withdrawn', 'void', 'reviewed')", name="state"),
        sa.CheckConstraint("(state = 'open') = (decided_at is null)", name="decided"),
        sa.UniqueConstraint("public_id"),
        sa.UniqueConstraint("operation_id", "subject", "place"),
    )
    op.create_index(
        "ix_change_request_open",
        "change_request",
        ["flag_id", "environment_id"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_change_request_asked_at", "change_request", ["asked_at"])
    op.create_table(
        "change_approval",
        sa.Column(
            "request_id", sa.BigInteger(), sa.ForeignKey("change_request.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("account_id", sa.BigInteger(), sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        _time("at"),
        sa.PrimaryKeyConstraint("request_id", "account_id", name="pk_change_approval"),
    )


def downgrade() -> None:
    for table in ("change_approval", "change_request"):
        op.drop_table(table)
    op.drop_column("environment", "approvals_needed")
    op.drop_table("environment_role")


def _gone_stays(name: str, refers_to: str) -> sa.Column[int]:
    """What it was about may go; that it was asked for stays."""
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(refers_to, ondelete="SET NULL"))


def _time(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
