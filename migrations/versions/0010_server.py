"""Counters of the server, its connections, input/output and replication; the probe is called server now."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COUNTS = (
    "temp_files", "conflicts", "sessions", "sessions_abandoned", "sessions_fatal", "sessions_killed",
    "checkpoints_timed", "checkpoints_requested", "checkpoints_done", "checkpoint_buffers", "buffers_cleaned",
    "wal_records", "wal_full_page_images", "wal_buffers_full", "timeline",
)  # fmt: skip
TIMES_MS = (
    "block_read_ms", "block_write_ms", "session_ms", "active_ms", "idle_in_transaction_ms", "checkpoint_write_ms",
    "checkpoint_sync_ms",
)  # fmt: skip
MOMENTS = ("wal_reset_at", "checkpoint_reset_at")
IO_COUNTS = (
    "reads", "read_bytes", "writes", "write_bytes", "extends", "extend_bytes", "hits", "evictions", "reuses", "fsyncs",
)  # fmt: skip
HISTORY = ("connection_sample", "io_sample", "io_reading", "replication_sample")
STATES = ("io_state", "replication_state")


def upgrade() -> None:
    _widen()
    _history("connection_sample", (
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.BigInteger()),
        sa.Column("idle_in_transaction", sa.BigInteger()),
        sa.Column("usable", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("groups", JSONB(), nullable=False),
    ))  # fmt: skip
    _history("io_sample", (
        *(sa.Column(name, sa.BigInteger()) for name in IO_COUNTS),
        *(sa.Column(name, sa.Float()) for name in ("read_ms", "write_ms", "fsync_ms")),
    ), keys=("backend_type", "object", "context"))  # fmt: skip
    _history("io_reading", (
        sa.Column("since", sa.DateTime(timezone=True)),
        sa.Column("is_timed", sa.Boolean(), nullable=False),
    ))  # fmt: skip
    _history("replication_sample", (
        sa.Column("lag_bytes", sa.BigInteger()),
        sa.Column("lag_ms", sa.Float()),
    ), keys=("kind", "name"))  # fmt: skip
    _state("io_state", sa.Column("epoch", sa.Text(), nullable=False), _document("counters"))
    documents = ("position", "senders", "slots", "subscriptions", "conflicts")
    _state("replication_state", sa.Column("is_standby", sa.Boolean(), nullable=False), *map(_document, documents))
    op.execute("update probe_state set probe = 'server' where probe = 'overview'")


def downgrade() -> None:
    op.execute("update probe_state set probe = 'overview' where probe = 'server'")
    op.execute("delete from probe_state where probe in ('connections', 'io', 'replication')")
    for table in (*STATES, *HISTORY):
        op.drop_table(table)
    op.drop_index("ix_database_state_system_identifier", "database_state")
    for name in ("system_identifier", "timeline", "is_standby", "counting_since", "cluster_since"):
        op.drop_column("database_state", name)
    for name in ("context", "description", "place"):
        op.drop_column("server_setting", name)
    for name in (*COUNTS, *TIMES_MS, *MOMENTS, "system_identifier"):
        op.drop_column("database_sample", name)


def _widen() -> None:
    columns = [sa.Column(name, sa.BigInteger()) for name in COUNTS]
    columns += [sa.Column(name, sa.Float()) for name in TIMES_MS]
    columns += [sa.Column(name, sa.DateTime(timezone=True)) for name in MOMENTS]
    for column in (*columns, sa.Column("system_identifier", sa.Text())):
        op.add_column("database_sample", column)
    for name in ("context", "description", "place"):
        op.add_column("server_setting", sa.Column(name, sa.Text()))
    op.add_column("database_state", sa.Column("system_identifier", sa.Text()))
    op.add_column("database_state", sa.Column("timeline", sa.BigInteger()))
    op.add_column("database_state", sa.Column("is_standby", sa.Boolean()))
    op.add_column("database_state", sa.Column("counting_since", sa.DateTime(timezone=True)))
    op.add_column("database_state", sa.Column("cluster_since", sa.DateTime(timezone=True)))
    op.create_index("ix_database_state_system_identifier", "database_state", ["system_identifier"])


def _history(name: str, columns: tuple[sa.Column, ...], keys: tuple[str, ...] = ()) -> None:
    op.create_table(
        name,
        _target(),
        sa.Column("slot", sa.DateTime(timezone=True), primary_key=True),
        *(sa.Column(key, sa.Text(), primary_key=True) for key in keys),
        *columns,
        postgresql_partition_by="RANGE (slot)",
    )
    op.execute(f"create table {name}_pdefault partition of {name} default")


def _state(name: str, *columns: sa.Column) -> None:
    op.create_table(name, _target(), sa.Column("slot", sa.DateTime(timezone=True), nullable=False), *columns)


def _target() -> sa.Column:
    return sa.Column("target_id", sa.BigInteger(), sa.ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)


def _document(name: str) -> sa.Column:
    return sa.Column(name, JSONB(), nullable=False)
