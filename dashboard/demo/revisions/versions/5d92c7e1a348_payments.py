"""Create payments

Revision ID: 5d92c7e1a348
Revises: 4a16b3d8f027
Author: Priya Raman
Create Date: 2025-03-19 10:02:11.042756+00:00
"""

from alembic import op

revision = "5d92c7e1a348"
down_revision = "4a16b3d8f027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TYPE payment_method AS ENUM ('card', 'transfer', 'wallet', 'invoice')")
    op.execute(
        """
        CREATE TABLE payments (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            order_id bigint NOT NULL,
            placed_at timestamptz NOT NULL,
            method payment_method NOT NULL,
            amount_cents integer NOT NULL,
            reference text NOT NULL,
            settled_at timestamptz,
            FOREIGN KEY (order_id, placed_at) REFERENCES orders (id, placed_at) ON DELETE CASCADE
        )
        """
    )
    op.execute("CREATE INDEX payments_order_id ON payments (order_id)")


def downgrade() -> None:
    op.execute("DROP TABLE payments")
    op.execute("DROP TYPE payment_method")
