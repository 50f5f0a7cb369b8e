"""Vacuum health, bloat and sequences."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TARGET = ["target.id"]


def upgrade() -> None:
    op.create_table(
        "relation_bloat",
        *_key("relation_bloat", "oid"),
        sa.Column("table_oid", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pages", sa.BigInteger(), nullable=False),
        sa.Column("bloat_bytes", sa.BigInteger()),
        sa.Column("bloat_share", sa.Float()),
        sa.Column("residue_bytes", sa.BigInteger()),
        sa.Column("is_random", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("estimated_at", MOMENT, nullable=False),
        sa.Column("measured_bytes", sa.BigInteger()),
        sa.Column("measured_share", sa.Float()),
        sa.Column("measured_at", MOMENT),
        sa.Column("measured_by", sa.Text()),
    )
    op.create_index("ix_relation_bloat_table", "relation_bloat", ["target_id", "table_oid"])
    _create_table_vacuum()
    _create_vacuum_state()
    _create_sequences()
    for table in ("xid_sample", "sequence_sample"):
        op.execute(f"create table {table}_pdefault partition of {table} default")


def downgrade() -> None:
    for table in ("sequence_sample", "sequence_state", "xid_sample", "vacuum_state", "table_vacuum", "relation_bloat"):
        op.drop_table(table)


def _key(table, *columns):
    """The target first, then the other columns of the primary key."""
    moments = {"slot": MOMENT}
    return (
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, moments.get(name, sa.BigInteger()), nullable=False) for name in columns),
        sa.ForeignKeyConstraint(["target_id"], TARGET, name=op.f(f"fk_{table}_target_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("target_id", *columns, name=op.f(f"pk_{table}")),
    )


def _numbers(*names, kind=None, nullable=True):
    return [sa.Column(name, kind or sa.BigInteger(), nullable=nullable) for name in names]


def _create_table_vacuum():
    op.create_table(
        "table_vacuum",
        *_key("table_vacuum", "oid"),
        *_numbers("schema", "name", "kind", kind=sa.Text(), nullable=False),
        sa.Column("parent", sa.Text()),
        sa.Column("row_estimate", sa.BigInteger()),
        *_numbers("dead_rows", "inserted_rows", "modified_rows", nullable=False),
        *_numbers("toast_dead_rows", "vacuum_threshold", "insert_threshold", "analyze_threshold", "toast_threshold"),
        sa.Column("due_share", sa.Float()),
        sa.Column("due_for", sa.Text()),
        sa.Column("is_autovacuumed", sa.Boolean(), nullable=False),
        sa.Column("is_toast_autovacuumed", sa.Boolean()),
        sa.Column("options", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("unfrozen_share", sa.Float()),
        *_numbers("last_vacuum_at", "last_autovacuum_at", "last_analyze_at", "last_autoanalyze_at", kind=MOMENT),
        *_numbers("vacuums", "autovacuums", "analyzes", "autoanalyzes", nullable=False),
        *_numbers("vacuum_ms", "autovacuum_ms", "analyze_ms", "autoanalyze_ms", kind=sa.Float()),
        *_numbers("frozen_xid", "oldest_multixact", "freeze_max_age", "multixact_freeze_max_age", nullable=False),
    )
    op.create_index("ix_table_vacuum_due", "table_vacuum", ["target_id", "due_share"])
    op.create_index("ix_table_vacuum_frozen", "table_vacuum", ["target_id", "frozen_xid"])
    op.create_index("ix_table_vacuum_name", "table_vacuum", ["target_id", "schema", "name"])


def _create_vacuum_state():
    op.create_table(
        "vacuum_state",
        *_key("vacuum_state"),
        sa.Column("slot", MOMENT, nullable=False),
        *_numbers("is_standby", "is_autovacuum_on", kind=sa.Boolean(), nullable=False),
        *_numbers("next_xid", "next_multixact", nullable=False),
        *_numbers("limits", "databases", "holders", "oldest", kind=postgresql.JSONB(), nullable=False),
        sa.Column("wraparound_vacuums", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "xid_sample",
        *_key("xid_sample", "slot"),
        *_numbers("next_xid", "next_multixact", nullable=False),
        postgresql_partition_by="RANGE (slot)",
    )


def _create_sequences():
    op.create_table(
        "sequence_state",
        *_key("sequence_state", "oid"),
        *_numbers("schema", "name", "data_type", kind=sa.Text(), nullable=False),
        *_numbers("start_value", "increment", "min_value", "max_value", nullable=False),
        sa.Column("is_cyclic", sa.Boolean(), nullable=False),
        sa.Column("last_value", sa.BigInteger()),
        *_numbers("note", "column_schema", "column_table", "column_name", "column_type", kind=sa.Text()),
        sa.Column("is_reference", sa.Boolean(), nullable=False),
        sa.Column("limit_value", sa.BigInteger(), nullable=False),
        *_numbers("used_share", "ids_per_day", kind=sa.Float()),
        *_numbers("exhausted_from", "exhausted_until", kind=MOMENT),
        sa.Column("forecast_note", sa.Text()),
        sa.Column("sampled_at", MOMENT),
    )
    op.create_index("ix_sequence_state_used", "sequence_state", ["target_id", "used_share"])
    op.create_index("ix_sequence_state_name", "sequence_state", ["target_id", "schema", "name"])
    op.create_table(
        "sequence_sample",
        *_key("sequence_sample", "oid", "slot"),
        *_numbers("last_value", nullable=False),
        postgresql_partition_by="RANGE (slot)",
    )
