"""Segments and bucketing have versions, as flags have."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

SEGMENTS = """
    insert into flag_version (environment_id, segment, version, document, at, author)
    select environment_id, name, version, json_build_object('description', description, 'rule', rule), updated_at,
           updated_by
      from flag_segment
"""
PINNED = """
    insert into flag_version (environment_id, version, document, at, author)
    select r.environment_id, 1, json_build_object('bucketing', r.bucketing), coalesce(a.at, r.changed_at),
           coalesce(a.author, 'unknown')
      from flag_revision r
      join environment e on e.id = r.environment_id
 left join lateral (select at, author
                      from audit_entry
                     where action = 'flag.bucketing'
                       and subject = e.slug
                  order by id desc
                     limit 1) a on true
     where r.bucketing <> 'v2'
"""


def upgrade() -> None:
    op.alter_column("flag_version", "flag_id", nullable=True)
    op.add_column("flag_version", sa.Column("segment", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_flag_version_part"),
        "flag_version",
        "(flag_id is not null and segment is null) or (flag_id is null and environment_id is not null)",
    )
    op.create_index(
        "uq_flag_version_part",
        "flag_version",
        ["environment_id", sa.text("coalesce(segment, '')"), "version"],
        unique=True,
        postgresql_where=sa.text("flag_id is null"),
    )
    op.execute(SEGMENTS)
    op.execute(PINNED)


def downgrade() -> None:
    op.execute("delete from flag_version where flag_id is null")
    op.drop_index("uq_flag_version_part", "flag_version")
    op.drop_constraint(op.f("ck_flag_version_part"), "flag_version")
    op.drop_column("flag_version", "segment")
    op.alter_column("flag_version", "flag_id", nullable=False)
