"""Search products by words and attributes

Revision ID: 8b57e2f0a391
Revises: 7a41d6c9e280
Author: Tomasz Bielak
Create Date: 2025-05-27 16:05:18.773205+00:00
"""

from alembic import op

revision = "8b57e2f0a391"
down_revision = "7a41d6c9e280"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE products ADD COLUMN search tsvector
        GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || description)) STORED
        """
    )
    op.execute("CREATE INDEX products_search ON products USING gin (search)")
    op.execute("CREATE INDEX products_attributes ON products USING gin (attributes jsonb_path_ops)")


def downgrade() -> None:
    op.execute("DROP INDEX products_attributes")
    op.execute("ALTER TABLE products DROP COLUMN search")
