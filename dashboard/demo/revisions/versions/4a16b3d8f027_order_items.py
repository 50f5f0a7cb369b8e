"""Create order items

Revision ID: 4a16b3d8f027
Revises: 3e7f90a2c514
Author: Jonas Okafor
Create Date: 2025-03-06 15:21:33.660128+00:00
"""

from alembic import op

revision = "4a16b3d8f027"
down_revision = "3e7f90a2c514"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE order_items (
            order_id bigint NOT NULL,
            placed_at timestamptz NOT NULL,
            line smallint NOT NULL,
            product_id bigint NOT NULL REFERENCES products (id),
            quantity smallint NOT NULL CHECK (quantity > 0),
            price_cents integer NOT NULL,
            PRIMARY KEY (order_id, line),
            FOREIGN KEY (order_id, placed_at) REFERENCES orders (id, placed_at) ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX order_items_product_id ON order_items (product_id)")


def downgrade() -> None:
    op.execute("DROP TABLE order_items")
