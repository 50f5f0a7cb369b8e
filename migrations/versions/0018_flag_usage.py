"""How often flags are evaluated."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flag_usage",
        _environment(),
        sa.Column("flag_key", sa.Text(), nullable=False),
        _time("slot"),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        _api_key(),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("count", "bulk_count")),
        sa.PrimaryKeyConstraint(
            "environment_id", "flag_key", "slot", "variant", "reason", "api_key_id", name="pk_flag_usage"
        ),
        postgresql_partition_by="RANGE (slot)",
    )
    op.execute("create table flag_usage_pdefault partition of flag_usage default")
    _state("flag_seen", "flag_key", sa.Column("flag_key", sa.Text(), nullable=False), _time("single_at", nullable=True))
    _state(
        "unknown_flag",
        "flag_key",
        sa.Column("flag_key", sa.Text(), nullable=False),
        _api_key(),
        sa.Column("count", sa.BigInteger(), nullable=False),
    )
    _state("flag_download", "api_key_id", _api_key())


def downgrade() -> None:
    for table in ("flag_download", "unknown_flag", "flag_seen", "flag_usage"):
        op.drop_table(table)


def _state(name: str, key: str, *columns: sa.Column) -> None:
    primary = sa.PrimaryKeyConstraint("environment_id", key, name=f"pk_{name}")
    op.create_table(name, _environment(), _time("first_at"), _time("seen_at"), *columns, primary)


def _environment() -> sa.Column[int]:
    return sa.Column(
        "environment_id", sa.BigInteger(), sa.ForeignKey("environment.id", ondelete="CASCADE"), nullable=False
    )


def _time(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _api_key() -> sa.Column[int]:
    return sa.Column("api_key_id", sa.BigInteger(), autoincrement=False, nullable=False)
