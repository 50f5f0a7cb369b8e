"""Alerts wait before they fire, can be silenced, are judged by environment and told to people."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
ALERT_COLUMNS = (("href", sa.Text()), ("value", sa.Double()), ("fired_at", TIME), ("calm_since", TIME))


def upgrade() -> None:
    for name, kind in ALERT_COLUMNS:
        op.add_column("alert", sa.Column(name, kind))
    op.execute("update alert set fired_at = began_at")
    _states("pending", "firing", "resolved")
    op.drop_index("uq_alert_firing", "alert")
    op.create_index(
        "uq_alert_open", "alert", ["rule", "target_id", "subject"], unique=True,
        postgresql_where=sa.text("state in ('pending', 'firing')"),
    )  # fmt: skip
    op.create_table(
        "alert_setting",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("environment_id", sa.BigInteger(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("minimum", sa.Double()),
        sa.Column("for_s", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.CheckConstraint("level in ('warning', 'critical')", name=op.f("ck_alert_setting_level")),
        sa.PrimaryKeyConstraint("rule", "environment_id", name=op.f("pk_alert_setting")),
        _refers("alert_setting", "environment"),
    )
    _silences()
    _channels()
    _messages()


def _silences() -> None:
    op.create_table(
        "alert_silence",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text()),
        sa.Column("target_id", sa.BigInteger()),
        sa.Column("environment_id", sa.BigInteger()),
        sa.Column("subject", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_silence")),
        _refers("alert_silence", "target"),
        _refers("alert_silence", "environment"),
    )
    op.create_index(op.f("ix_alert_silence_ends_at"), "alert_silence", ["ends_at"])


def _channels() -> None:
    op.create_table(
        "alert_channel",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("environment_id", sa.BigInteger()),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("sealed_address", sa.LargeBinary()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("kind in ('email', 'webhook', 'apprise')", name=op.f("ck_alert_channel_kind")),
        sa.CheckConstraint("level in ('warning', 'critical')", name=op.f("ck_alert_channel_level")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_channel")),
        sa.UniqueConstraint("name", name=op.f("uq_alert_channel_name")),
        _refers("alert_channel", "environment"),
    )


def _messages() -> None:
    op.create_table(
        "alert_message",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("problem", sa.Text()),
        sa.CheckConstraint(
            "state in ('waiting', 'sending', 'sent', 'failed', 'dropped')", name=op.f("ck_alert_message_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_message")),
        _refers("alert_message", "alert_channel", "channel_id"),
    )
    op.create_index(
        "ix_alert_message_due", "alert_message", ["next_attempt_at"],
        postgresql_where=sa.text("state in ('waiting', 'sending')"),
    )  # fmt: skip
    op.create_index("ix_alert_message_channel", "alert_message", ["channel_id", "created_at"])
    op.create_table(
        "alert_event",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.CheckConstraint("event in ('firing', 'resolved')", name=op.f("ck_alert_event_event")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_event")),
        sa.UniqueConstraint("alert_id", "channel_id", "event", name=op.f("uq_alert_event_alert_id_channel_id_event")),
        _refers("alert_event", "alert"),
        _refers("alert_event", "alert_channel", "channel_id"),
        _refers("alert_event", "alert_message", "message_id"),
    )
    op.create_index(op.f("ix_alert_event_message_id"), "alert_event", ["message_id"])


def _states(*states: str) -> None:
    op.drop_constraint(op.f("ck_alert_state"), "alert")
    op.create_check_constraint(op.f("ck_alert_state"), "alert", f"state in {states!r}")


def _refers(table: str, other: str, column: str | None = None) -> sa.ForeignKeyConstraint:
    column = column or f"{other}_id"
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def downgrade() -> None:
    for table in ("alert_event", "alert_message", "alert_channel", "alert_silence", "alert_setting"):
        op.drop_table(table)
    op.execute("delete from alert where state = 'pending'")
    op.drop_index("uq_alert_open", "alert")
    op.create_index(
        "uq_alert_firing", "alert", ["rule", "target_id", "subject"], unique=True,
        postgresql_where=sa.text("state = 'firing'"),
    )  # fmt: skip
    _states("firing", "resolved")
    for name, _kind in ALERT_COLUMNS:
        op.drop_column("alert", name)
