"""Create customers and addresses

Revision ID: 1c5e0a7f3b21
Revises: None
Author: Mara Lindqvist
Create Date: 2025-02-03 09:14:27.518203+00:00
"""

from alembic import op

revision = "1c5e0a7f3b21"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE customers (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            email text NOT NULL,
            name text NOT NULL,
            locale text NOT NULL DEFAULT 'en',
            marketing boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL DEFAULT now(),
            last_seen_at timestamptz
        )
        """
    )
    op.execute(
        """
        CREATE TABLE addresses (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
            line text NOT NULL,
            city text NOT NULL,
            postcode text NOT NULL,
            country char(2) NOT NULL,
            is_default boolean NOT NULL DEFAULT false
        )
        """
    )
    op.execute("CREATE INDEX addresses_customer_id ON addresses (customer_id)")


def downgrade() -> None:
    op.execute("DROP TABLE addresses")
    op.execute("DROP TABLE customers")
