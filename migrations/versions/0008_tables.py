"""Shapes of indexes, what the planner and autovacuum know of tables, sizes of each index over time."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NUMBERS = postgresql.ARRAY(sa.BigInteger())
TEXTS = postgresql.ARRAY(sa.Text())
TIME = sa.DateTime(timezone=True)
TABLE_FACTS = {
    "pages": sa.BigInteger(),
    "tuples": sa.Double(),
    "relfilenode": sa.BigInteger(),
    "rows_hot_updated": sa.BigInteger(),
    "modified_since_analyze": sa.BigInteger(),
    "inserted_since_vacuum": sa.BigInteger(),
    "last_autovacuum_at": TIME,
    "last_autoanalyze_at": TIME,
    "resized_at": TIME,
    "growth_7d_bytes": sa.BigInteger(),
    "growth_30d_bytes": sa.BigInteger(),
    "growth_90d_bytes": sa.BigInteger(),
    "projected_low_bytes": sa.BigInteger(),
    "projected_bytes": sa.BigInteger(),
    "projected_high_bytes": sa.BigInteger(),
    "forecast_note": sa.Text(),
    "forecast_at": TIME,
}
DIGESTS = {"table_state": ("digest", "write_digest"), "index_state": ("digest",)}
INDEX_FACTS = {
    "expressions": sa.Text(),
    "predicate": sa.Text(),
    "pages": sa.BigInteger(),
    "tuples": sa.Double(),
    "relfilenode": sa.BigInteger(),
    "sampled_at": TIME,
}
SHAPE = {
    "key_columns": NUMBERS,
    "include_columns": NUMBERS,
    "opclasses": NUMBERS,
    "collations": NUMBERS,
    "options": NUMBERS,
    "storage_options": TEXTS,
    "nulls_not_distinct": sa.Boolean(),
    "is_ready": sa.Boolean(),
    "is_clustered": sa.Boolean(),
    "is_replica_identity": sa.Boolean(),
    "is_exclusion": sa.Boolean(),
    "backs_constraint": sa.Boolean(),
    "is_referenced": sa.Boolean(),
}


HISTORY: dict[str, tuple] = {
    "index_sample": (
        sa.Column("oid", sa.BigInteger(), nullable=False),
        sa.Column("slot", TIME, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("relfilenode", sa.BigInteger()),
    ),
    "table_reading": (
        sa.Column("slot", TIME, nullable=False),
        sa.Column("tables", sa.BigInteger(), nullable=False),
        sa.Column("total_bytes", sa.BigInteger()),
        sa.Column("system_identifier", sa.Text()),
    ),
}


def upgrade() -> None:
    for name, kind in TABLE_FACTS.items():
        op.add_column("table_state", sa.Column(name, kind))
    for name, kind in INDEX_FACTS.items():
        op.add_column("index_state", sa.Column(name, kind))
    _add_filled("table_state", "options", TEXTS, "{}")
    for name, kind in SHAPE.items():
        _add_filled("index_state", name, kind, "false" if isinstance(kind, sa.Boolean) else "{}")
    for table, names in DIGESTS.items():
        for name in names:
            _add_filled(table, name, sa.BigInteger(), "0")
    op.add_column("table_sample", sa.Column("relfilenode", sa.BigInteger()))
    for table, columns in HISTORY.items():
        _make_history(table, columns)
    _take_over()
    op.drop_index("ix_index_state_size", "index_state")
    op.execute("""
        create index ix_index_state_size
        on index_state (target_id, size_bytes desc nulls last, schema, table_name, name)
        where parent_oid is null
    """)
    op.drop_index("ix_table_state_total", "table_state")
    op.execute("""
        create index ix_table_state_total
        on table_state (target_id, total_bytes desc nulls last, schema, name)
        where parent_oid is null
    """)


def _add_filled(table: str, name: str, kind: sa.types.TypeEngine, value: str) -> None:
    """What is stored lacks the column; the next collection writes it anew, with the evidence it had."""
    op.add_column(table, sa.Column(name, kind, nullable=False, server_default=value))
    op.alter_column(table, name, server_default=None)


def _make_history(table: str, columns: tuple) -> None:
    keys = [column.name for column in columns if column.name in {"oid", "slot"}]
    op.create_table(
        table,
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("target_id", *keys, name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=op.f(f"fk_{table}_target_id"), ondelete="CASCADE"),
        postgresql_partition_by="RANGE (slot)",
    )
    op.execute(f"create table {table}_pdefault partition of {table} default")


def _take_over() -> None:
    """The history so far: tables are known since their first sample, and were read whenever one was written."""
    op.add_column("table_state", sa.Column("first_seen_at", TIME, nullable=False, server_default=sa.func.now()))
    op.alter_column("table_state", "first_seen_at", server_default=None)
    op.execute("""
        update table_state s
        set
            resized_at = s.sampled_at,
            first_seen_at = coalesce(
                (select min(h.slot) from table_sample h where h.target_id = s.target_id and h.oid = s.oid),
                s.first_seen_at
            )
    """)
    op.execute("""
        insert into table_reading (target_id, slot, tables)
        select target_id, slot, count(*)
        from table_sample
        group by target_id, slot
    """)


def downgrade() -> None:
    op.drop_index("ix_table_state_total", "table_state")
    op.create_index("ix_table_state_total", "table_state", ["target_id", "total_bytes"])
    op.drop_index("ix_index_state_size", "index_state")
    op.create_index("ix_index_state_size", "index_state", ["target_id", "size_bytes"])
    for table in HISTORY:
        op.drop_table(table)
    op.drop_column("table_sample", "relfilenode")
    for table, names in DIGESTS.items():
        for name in names:
            op.drop_column(table, name)
    for name in (*SHAPE, *INDEX_FACTS):
        op.drop_column("index_state", name)
    for name in (*TABLE_FACTS, "options", "first_seen_at"):
        op.drop_column("table_state", name)
