"""Count stock for each warehouse

Revision ID: 6f03e8b5d179
Revises: 5d92c7e1a348
Author: Mara Lindqvist
Create Date: 2025-04-08 07:48:59.337914+00:00
"""

from alembic import op

revision = "6f03e8b5d179"
down_revision = "5d92c7e1a348"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE inventory (
            product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
            warehouse text NOT NULL,
            quantity integer NOT NULL CHECK (quantity >= 0),
            reserved integer NOT NULL DEFAULT 0 CHECK (reserved >= 0),
            counted_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (product_id, warehouse)
        ) WITH (fillfactor = 80)
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE inventory")
