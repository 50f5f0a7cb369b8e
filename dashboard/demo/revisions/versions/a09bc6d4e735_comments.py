"""Say in comments what tables and columns mean

Revision ID: a09bc6d4e735
Revises: 9e8ab5c3d624
Author: Tomasz Bielak
Create Date: 2025-07-01 08:19:37.601944+00:00
"""

from alembic import op

revision = "a09bc6d4e735"
down_revision = "9e8ab5c3d624"
branch_labels = None
depends_on = None


COMMENTS = {
    "TABLE customers": "People who signed up; guests have a cart but no row here",
    "COLUMN customers.marketing": "Agreed to newsletters; withdraw at any time",
    "TABLE orders": "One row per checkout, by month of placing",
    "COLUMN orders.total_cents": "Sum of the items at the time of ordering, with tax",
    "TABLE payments": "What the payment provider reported; reference is theirs",
    "TABLE inventory": "Stock for each warehouse; reserved is in open carts",
    "COLUMN products.attributes": "Free facts of a product: colour, size, material",
    "TABLE events": "Clicks and views; the shop keeps the newest only",
    "COLUMN reviews.approved": "Shown in the shop once somebody has read it",
}


def upgrade() -> None:
    for subject, comment in COMMENTS.items():
        op.execute(f"COMMENT ON {subject} IS '{comment}'")


def downgrade() -> None:
    for subject in COMMENTS:
        op.execute(f"COMMENT ON {subject} IS NULL")
