"""Index customers by their last visit, for the win-back report

Revision ID: c2bde8f6a957
Revises: b1acd7e5f846
Author: Jonas Okafor
Create Date: 2025-09-16 13:58:09.914460+00:00
"""

from alembic import op

revision = "c2bde8f6a957"
down_revision = "b1acd7e5f846"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX customers_last_seen_at ON customers (last_seen_at)")
    op.execute("CREATE INDEX customers_locale_marketing ON customers (locale, marketing)")


def downgrade() -> None:
    op.execute("DROP INDEX customers_locale_marketing")
    op.execute("DROP INDEX customers_last_seen_at")
