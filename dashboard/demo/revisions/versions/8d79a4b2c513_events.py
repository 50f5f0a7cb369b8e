"""Record sessions and what happens in them

Revision ID: 8d79a4b2c513
Revises: 7c68f3a1b402
Author: Jonas Okafor
Create Date: 2025-06-02 11:13:52.155089+00:00
"""

from alembic import op

revision = "8d79a4b2c513"
down_revision = "7c68f3a1b402"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE sessions (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            customer_id bigint REFERENCES customers (id) ON DELETE SET NULL,
            user_agent text NOT NULL,
            started_at timestamptz NOT NULL DEFAULT now(),
            ended_at timestamptz
        )
        """
    )
    op.execute(
        """
        CREATE TABLE events (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            session_id uuid NOT NULL,
            name text NOT NULL,
            properties jsonb NOT NULL DEFAULT '{}',
            at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute("CREATE INDEX events_properties ON events USING gin (properties)")
    op.execute("CREATE INDEX events_at ON events USING brin (at)")


def downgrade() -> None:
    op.execute("DROP TABLE events")
    op.execute("DROP TABLE sessions")
