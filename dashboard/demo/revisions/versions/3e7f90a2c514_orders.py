"""Create orders, partitioned by month

Revision ID: 3e7f90a2c514
Revises: 2b8d41c6e903
Author: Jonas Okafor
Create Date: 2025-03-04 08:55:48.117320+00:00
"""

from alembic import op

revision = "3e7f90a2c514"
down_revision = "2b8d41c6e903"
branch_labels = None
depends_on = None


ORDERS = """
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    customer_id bigint NOT NULL REFERENCES customers (id),
    status order_status NOT NULL DEFAULT 'new',
    total_cents integer NOT NULL DEFAULT 0,
    currency char(3) NOT NULL DEFAULT 'EUR',
    placed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, placed_at)
) PARTITION BY RANGE (placed_at)
"""
MONTHS = """
DO $$
DECLARE month date;
BEGIN
    FOR month IN
        SELECT generate_series(
            date_trunc('month', now()) - interval '12 months',
            date_trunc('month', now()) + interval '2 months',
            interval '1 month'
        )
    LOOP
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF orders FOR VALUES FROM (%L) TO (%L)',
            'orders_' || to_char(month, 'YYYY_MM'), month, month + interval '1 month'
        );
    END LOOP;
END
$$
"""


def upgrade() -> None:
    op.execute("CREATE TYPE order_status AS ENUM ('new', 'paid', 'packed', 'shipped', 'delivered', 'returned')")
    op.execute(ORDERS)
    op.execute(MONTHS)
    op.execute("CREATE TABLE orders_other PARTITION OF orders DEFAULT")
    op.execute("CREATE INDEX orders_customer_id_placed_at ON orders (customer_id, placed_at DESC)")


def downgrade() -> None:
    op.execute("DROP TABLE orders")
    op.execute("DROP TYPE order_status")
