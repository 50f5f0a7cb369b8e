"""What each flag serves once prerequisites and schedules are compiled."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("flag_setting", sa.Column("prerequisites", sa.JSON(), nullable=True))
    op.add_column("flag_setting", sa.Column("unmet_variant", sa.Text(), nullable=True))
    op.add_column("flag_setting", sa.Column("served", sa.JSON(), nullable=True))
    op.add_column("flag_setting", sa.Column("served_version", sa.BigInteger(), server_default="1", nullable=False))
    op.create_index(
        "ix_flag_setting_prerequisites",
        "flag_setting",
        ["environment_id"],
        postgresql_where=sa.text("prerequisites is not null"),
    )


def downgrade() -> None:
    op.drop_index("ix_flag_setting_prerequisites", "flag_setting")
    for name in ("served_version", "served", "unmet_variant", "prerequisites"):
        op.drop_column("flag_setting", name)
