"""One account for each e-mail address, however it is written

Revision ID: d3cef9a7b068
Revises: c2bde8f6a957
Author: Mara Lindqvist
Create Date: 2025-10-22 09:07:30.250337+00:00
"""

from alembic import op

revision = "d3cef9a7b068"
down_revision = "c2bde8f6a957"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE UNIQUE INDEX customers_email ON customers (lower(email))")


def downgrade() -> None:
    op.execute("DROP INDEX customers_email")
