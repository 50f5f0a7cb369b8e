"""Keep carts until they are ordered

Revision ID: 7c68f3a1b402
Revises: 6f03e8b5d179
Author: Priya Raman
Create Date: 2025-05-15 09:27:05.490871+00:00
"""

from alembic import op

revision = "7c68f3a1b402"
down_revision = "6f03e8b5d179"
branch_labels = ("checkout",)
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE carts (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            customer_id bigint REFERENCES customers (id) ON DELETE SET NULL,
            items jsonb NOT NULL DEFAULT '[]',
            updated_at timestamptz NOT NULL DEFAULT now(),
            ordered_at timestamptz
        )
        """
    )
    op.execute("CREATE INDEX carts_open ON carts (updated_at) WHERE ordered_at IS NULL")


def downgrade() -> None:
    op.execute("DROP TABLE carts")
