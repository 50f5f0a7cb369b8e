"""How long a flag is expected to live, what its values have to look like, and who gets the same since when."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

LAST_CHANGE = """
update flag f
   set changed_at = coalesce(v.at, f.created_at),
       changed_by = coalesce(v.author, f.created_by)
  from flag own
  left join (
           select distinct on (flag_id) flag_id, at, author
             from flag_version
            order by flag_id, at desc, id desc
       ) v on v.flag_id = own.id
 where f.id = own.id
"""
SETTLED = """
update flag_setting s
   set created_at = coalesce(v.at, s.updated_at),
       settled_at = s.updated_at,
       reach = case
                   when not s.enabled then 'off'
                   when s.targeting is not null then 'partly'
                   else 'on'
               end,
       outcome = case
                     when not s.enabled then ''
                     when s.targeting is not null then null
                     when s.default_variant is null then ''
                     else md5(s.default_variant || chr(10) || cast(s.variants -> s.default_variant as text))
                 end
  from flag_setting own
  left join flag_version v
    on v.flag_id = own.flag_id
   and v.environment_id = own.environment_id
   and v.version = 1
 where s.id = own.id
"""


def upgrade() -> None:
    for column in (
        sa.Column("expected_life_d", sa.BigInteger()),
        sa.Column("json_schema", sa.JSON()),
        _time("changed_at"),
        sa.Column("changed_by", sa.Text(), server_default="", nullable=False),
    ):
        op.add_column("flag", column)
    op.create_check_constraint(op.f("ck_flag_expected_life_d"), "flag", "expected_life_d between 1 and 3650")
    for column in (
        sa.Column("public_id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False),
        _time("created_at"),
        _time("settled_at"),
        sa.Column("reach", sa.Text(), server_default="partly", nullable=False),
        sa.Column("outcome", sa.Text()),
    ):
        op.add_column("flag_setting", column)
    op.create_check_constraint(op.f("ck_flag_setting_reach"), "flag_setting", "reach in ('off', 'partly', 'on')")
    op.create_unique_constraint(op.f("uq_flag_setting_public_id"), "flag_setting", ["public_id"])
    op.execute(LAST_CHANGE)
    op.execute(SETTLED)
    op.create_index("ix_flag_changed_at", "flag", ["changed_at", "key"])
    op.create_index("ix_flag_created_at", "flag", ["created_at", "key"])
    op.create_index("ix_flag_seen_environment_id_first_at", "flag_seen", ["environment_id", "first_at"])


def downgrade() -> None:
    op.drop_index("ix_flag_seen_environment_id_first_at", "flag_seen")
    op.drop_index("ix_flag_created_at", "flag")
    op.drop_index("ix_flag_changed_at", "flag")
    for name in ("outcome", "reach", "settled_at", "created_at", "public_id"):
        op.drop_column("flag_setting", name)
    for name in ("changed_by", "changed_at", "json_schema", "expected_life_d"):
        op.drop_column("flag", name)


def _time(name: str) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
