"""Who is told of changes of flags."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert_channel", sa.Column("tells_alerts", sa.Boolean(), nullable=False, server_default="true"))
    op.alter_column("alert_channel", "tells_alerts", server_default=None)
    op.add_column("alert_channel", sa.Column("tells_flags_since", sa.DateTime(timezone=True)))
    op.create_index(op.f("ix_flag_version_at"), "flag_version", ["at"])
    op.create_table(
        "flag_notice",
        *(
            sa.Column(name, sa.BigInteger(), sa.ForeignKey(f"{table}.id", ondelete="CASCADE"), nullable=False)
            for name, table in (("version_id", "flag_version"), ("channel_id", "alert_channel"))
        ),
        sa.Column("message_id", sa.BigInteger(), sa.ForeignKey("alert_message.id", ondelete="CASCADE"), nullable=False),
        sa.PrimaryKeyConstraint("version_id", "channel_id", name=op.f("pk_flag_notice")),
    )
    op.create_index(op.f("ix_flag_notice_message_id"), "flag_notice", ["message_id"])


def downgrade() -> None:
    op.drop_table("flag_notice")
    op.drop_index(op.f("ix_flag_version_at"), "flag_version")
    op.drop_column("alert_channel", "tells_flags_since")
    op.drop_column("alert_channel", "tells_alerts")
