"""Who asks for all flags at once."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

ASKED_LATELY = """
    insert into flag_bulk (environment_id, api_key_id, first_at, seen_at)
    select environment_id, api_key_id, min(slot), max(slot)
      from flag_usage
     where bulk_count > 0
       and slot > now() - interval '30 days'
     group by environment_id, api_key_id
"""


def upgrade() -> None:
    op.create_table(
        "flag_bulk",
        sa.Column(
            "environment_id", sa.BigInteger(), sa.ForeignKey("environment.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("api_key_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("first_at", "seen_at")),
        sa.PrimaryKeyConstraint("environment_id", "api_key_id", name="pk_flag_bulk"),
    )
    op.execute(ASKED_LATELY)


def downgrade() -> None:
    op.drop_table("flag_bulk")
