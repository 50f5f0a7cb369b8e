"""Find payments by the provider's reference

Revision ID: e4df0ab8c179
Revises: d3cef9a7b068
Author: Priya Raman
Create Date: 2025-11-18 15:32:16.447590+00:00
"""

from alembic import op

revision = "e4df0ab8c179"
down_revision = "d3cef9a7b068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("CREATE INDEX CONCURRENTLY payments_reference ON payments (reference)")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY payments_reference")
