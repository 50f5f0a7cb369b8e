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
}
INDEX_FACTS = {
    "expressions": sa.Text(),
    "predicate": sa.Text(),
    "pages": sa.BigInteger(),
    "tuples": sa.Double(),
    "relfilenode": sa.BigInteger(),
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


def upgrade() -> None:
    # What is stored lacks the new columns; the next collection writes it anew, with the evidence it had.
    op.add_column("table_state", sa.Column("options", TEXTS, nullable=False, server_default="{}"))
    op.alter_column("table_state", "options", server_default=None)
    for name, kind in TABLE_FACTS.items():
        op.add_column("table_state", sa.Column(name, kind))
    for name, kind in INDEX_FACTS.items():
        op.add_column("index_state", sa.Column(name, kind))
    for name, kind in SHAPE.items():
        empty = "false" if isinstance(kind, sa.Boolean) else "{}"
        op.add_column("index_state", sa.Column(name, kind, nullable=False, server_default=empty))
        op.alter_column("index_state", name, server_default=None)


def downgrade() -> None:
    for name in (*SHAPE, *INDEX_FACTS):
        op.drop_column("index_state", name)
    for name in (*TABLE_FACTS, "options"):
        op.drop_column("table_state", name)
