"""Merge the catalogue and the checkout

Revision ID: 9e8ab5c3d624
Revises: 8b57e2f0a391, 8d79a4b2c513
Author: Mara Lindqvist
Create Date: 2025-06-10 14:44:21.826713+00:00
"""

revision = "9e8ab5c3d624"
down_revision = ("8b57e2f0a391", "8d79a4b2c513")
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
