"""Let customers review products

Revision ID: 7a41d6c9e280
Revises: 6f03e8b5d179
Author: Tomasz Bielak
Create Date: 2025-05-13 12:30:40.281650+00:00
"""

from alembic import op

revision = "7a41d6c9e280"
down_revision = "6f03e8b5d179"
branch_labels = ("catalogue",)
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE reviews (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            product_id bigint NOT NULL REFERENCES products (id) ON DELETE CASCADE,
            customer_id bigint NOT NULL REFERENCES customers (id) ON DELETE CASCADE,
            stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
            body text NOT NULL,
            approved boolean NOT NULL DEFAULT false,
            created_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute("CREATE INDEX reviews_product_id ON reviews (product_id) WHERE approved")


def downgrade() -> None:
    op.execute("DROP TABLE reviews")
