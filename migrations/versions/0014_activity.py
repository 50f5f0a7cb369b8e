"""Active-session history, and how each target is sampled."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity_sampling",
        _target(),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("interval_s", sa.BigInteger(), nullable=False),
        sa.Column("pace_s", sa.BigInteger(), nullable=False),
        sa.Column("look_ms", sa.Float()),
        sa.Column("stopped_reason", sa.Text()),
        sa.Column("sampled_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("target_id", name="pk_activity_sampling"),
    )
    _history(
        "activity_minute",
        (),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("looks", "active", "most_active", "hidden")),
        sa.Column("look_ms", sa.Float(), nullable=False),
        sa.Column("blockers", JSONB(), nullable=False),
    )
    _history(
        "activity_group",
        ("position",),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wait_class", sa.Text(), nullable=False),
        sa.Column("wait_event", sa.Text()),
        sa.Column("queryid", sa.BigInteger()),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    for table in ("activity_group", "activity_minute", "activity_sampling"):
        op.drop_table(table)


def _target() -> sa.Column[int]:
    return sa.Column("target_id", sa.BigInteger(), sa.ForeignKey("target.id", ondelete="CASCADE"), nullable=False)


def _history(name: str, keys: tuple[str, ...], *columns: sa.Column) -> None:
    op.create_table(
        name,
        _target(),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("target_id", "slot", *keys, name=f"pk_{name}"),
        postgresql_partition_by="RANGE (slot)",
    )
    op.execute(f"create table {name}_pdefault partition of {name} default")
