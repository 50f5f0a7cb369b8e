"""Create categories and products

Revision ID: 2b8d41c6e903
Revises: 1c5e0a7f3b21
Author: Mara Lindqvist
Create Date: 2025-02-11 13:40:02.904417+00:00
"""

from alembic import op

revision = "2b8d41c6e903"
down_revision = "1c5e0a7f3b21"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE categories (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            parent_id bigint REFERENCES categories (id),
            name text NOT NULL UNIQUE
        )
        """
    )
    op.execute(
        """
        CREATE TABLE products (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            category_id bigint NOT NULL REFERENCES categories (id),
            sku text NOT NULL UNIQUE,
            title text NOT NULL,
            description text NOT NULL,
            price_cents integer NOT NULL CHECK (price_cents >= 0),
            attributes jsonb NOT NULL DEFAULT '{}',
            active boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute("CREATE INDEX products_category_id ON products (category_id)")


def downgrade() -> None:
    op.execute("DROP TABLE products")
    op.execute("DROP TABLE categories")
