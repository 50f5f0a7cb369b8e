"""What statistics keep besides."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _count_dying_rows()
    _order_indexes()
    _order_statements()


def downgrade() -> None:
    op.drop_table("statement_ranking")
    op.drop_index("ix_index_state_scans", "index_state")
    op.drop_index("ix_index_state_name", "index_state")
    for name in ("vacuumed_ms", "died_rows", "died_since"):
        op.drop_column("table_vacuum", name)


def _count_dying_rows() -> None:
    """Rows that were seen to die, and the time of autovacuum, since when: what its settings are proposed by."""
    since = sa.Column("died_since", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
    op.add_column("table_vacuum", since)
    op.add_column("table_vacuum", sa.Column("died_rows", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("table_vacuum", sa.Column("vacuumed_ms", sa.Float(), nullable=True))


def _order_indexes() -> None:
    """The list of indexes is searched, and put in the order of scans, without reading its wide rows."""
    names = ["schema", "table_name", "name"]
    op.create_index(
        "ix_index_state_name", "index_state", ["target_id", *names], postgresql_include=["oid", "parent_oid"]
    )
    op.create_index(
        "ix_index_state_scans",
        "index_state",
        ["target_id", "scans", *names],
        postgresql_include=["oid"],
        postgresql_where=sa.text("parent_oid is null"),
    )


def _order_statements() -> None:
    """Statements of the usual windows by their time, stored with each reading: who looks first need not find it."""
    op.create_table(
        "statement_ranking",
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("window_minutes", sa.BigInteger(), nullable=False),
        sa.Column("first_slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("families", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("calls", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("total_ms", sa.ARRAY(sa.Float()), nullable=False),
        sa.Column("everything", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["target_id"], ["target.id"], ondelete="CASCADE", name="fk_statement_ranking_target_id"
        ),
        sa.PrimaryKeyConstraint("target_id", "window_minutes", name="pk_statement_ranking"),
    )
