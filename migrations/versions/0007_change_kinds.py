"""Kinds of the change lane for index builds, rewrites, ANALYZE, crashes, failovers and ended sessions."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BEFORE = ("flag", "migration", "schema", "setting", "reset", "restart", "target")
KINDS = (*BEFORE, "index", "rewrite", "analyze", "crash", "failover", "session")


def upgrade() -> None:
    op.drop_constraint(op.f("ck_change_kind"), "change")
    op.create_check_constraint(op.f("ck_change_kind"), "change", f"kind in {KINDS!r}")


def downgrade() -> None:
    new = ", ".join(f"'{kind}'" for kind in KINDS if kind not in BEFORE)
    op.execute(f"delete from change where kind in ({new})")
    op.drop_constraint(op.f("ck_change_kind"), "change")
    op.create_check_constraint(op.f("ck_change_kind"), "change", f"kind in {BEFORE!r}")
