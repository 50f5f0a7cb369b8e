"""Report revenue by day

Revision ID: b1acd7e5f846
Revises: a09bc6d4e735
Author: Priya Raman
Create Date: 2025-08-20 10:36:44.338127+00:00
"""

from alembic import op

revision = "b1acd7e5f846"
down_revision = "a09bc6d4e735"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE VIEW daily_revenue AS
        SELECT
            date_trunc('day', placed_at) AS day,
            currency,
            count(*) AS orders,
            sum(total_cents) AS total_cents
        FROM orders
        WHERE status <> 'returned'
        GROUP BY 1, 2
        """
    )


def downgrade() -> None:
    op.execute("DROP VIEW daily_revenue")
