"""Statements over any window: the longest call, sums from ten minutes to a week, ids over time, tables named."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NUMBER, REAL, TIME = sa.BigInteger(), sa.Double(), sa.DateTime(timezone=True)
COUNTERS = ("calls", "rows", "shared_hit", "shared_read", "temp_blocks", "wal_bytes")
ADDED = "calls, total_ms, squares_ms2, rows, shared_hit, shared_read, temp_blocks, wal_bytes, io_ms"
SUMS = """
insert into statement_sum (target_id, minutes, slot, family_id, {added})
select
    target_id, {minutes}, date_bin('{minutes} minutes', slot, timestamptz '2000-01-01 00:00+00') as began, family_id,
    sum(calls), sum(total_ms), sum(squares_ms2), sum(rows), sum(shared_hit), sum(shared_read), sum(temp_blocks),
    sum(wal_bytes), case when bool_and(io_ms is not null) then sum(io_ms) end
from statement_sample
join (select target_id, max(slot) as last from statement_reading group by target_id) as newest using (target_id)
where date_bin('{minutes} minutes', slot, timestamptz '2000-01-01 00:00+00') + interval '{minutes} minutes' <= last
group by target_id, began, family_id
"""
IDENTITIES = """
insert into statement_identity (
    target_id, queryid, userid, toplevel, system, dbid, major, family_id, username, valid_from, valid_until
)
select
    e.target_id, e.queryid, e.userid, e.toplevel, split_part(r.epoch, '/', 1),
    cast(coalesce(nullif(split_part(r.epoch, '/', 2), ''), '0') as bigint), 0, e.family_id, e.username,
    e.first_seen_at, e.gone_at
from statement_entry as e
join (
    select distinct on (target_id) target_id, epoch from statement_reading order by target_id, slot desc
) as r using (target_id)
"""
# The server keeps the strings of what it does not plan, passwords too; from here on they are masked before storing.
MASKED = r"""
update statement_family
set text = regexp_replace(
    text, '\ye''(?:[^''\\]|\\.|'''')*(?:''|$)|''(?:[^'']|'''')*(?:''|$)|\$(\w*)\$.*?(?:\$\1\$|$)', '''***''', 'gi'
)
where text !~* '^[\s(]*(select|insert|update|delete|merge|with|values|table)\y'
"""


def upgrade() -> None:
    for table, columns in {
        "statement_entry": {"max_ms": REAL, "max_since": TIME},
        "statement_sample": {"max_ms": REAL, "max_bound_ms": REAL},
        "statement_family": {"parsed_at": TIME, "parse_problem": sa.Text()},
    }.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind))
    op.execute("alter table statement_entry set (fillfactor = 50)")
    unparsed = sa.text("parsed_at is null")
    op.create_index("ix_statement_family_unparsed", "statement_family", ["id"], postgresql_where=unparsed)
    _create_relation()
    _create_identity()
    _create_sum()
    op.execute(IDENTITIES)
    op.execute(MASKED)
    for minutes in (10, 60, 360, 1440, 10080):
        op.execute(SUMS.format(minutes=minutes, added=ADDED))


def _create_relation() -> None:
    op.create_table(
        "statement_relation",
        sa.Column("family_id", NUMBER, nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_read", sa.Boolean(), nullable=False),
        sa.Column("is_written", sa.Boolean(), nullable=False),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["family_id"], ["statement_family.id"], name="fk_statement_relation_family_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("family_id", "schema", "name", name="pk_statement_relation"),
    )
    op.create_index("ix_statement_relation_name", "statement_relation", ["name", "schema"])


def _create_identity() -> None:
    op.create_table(
        "statement_identity",
        sa.Column("target_id", NUMBER, nullable=False),
        sa.Column("queryid", NUMBER, nullable=False),
        sa.Column("userid", NUMBER, nullable=False),
        sa.Column("toplevel", sa.Boolean(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("dbid", NUMBER, nullable=False),
        sa.Column("major", NUMBER, nullable=False),
        sa.Column("family_id", NUMBER, nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("valid_from", TIME, nullable=False),
        sa.Column("valid_until", TIME),
        sa.ForeignKeyConstraint(
            ["target_id"], ["target.id"], name="fk_statement_identity_target_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["family_id"], ["statement_family.id"], name="fk_statement_identity_family_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "target_id", "queryid", "userid", "toplevel", "system", "dbid", "major", "family_id",
            name="pk_statement_identity",
        ),
    )  # fmt: skip
    op.create_index("ix_statement_identity_family", "statement_identity", ["family_id"])


def _create_sum() -> None:
    reals = ("total_ms", "squares_ms2")
    op.create_table(
        "statement_sum",
        sa.Column("target_id", NUMBER, nullable=False),
        sa.Column("minutes", NUMBER, nullable=False),
        sa.Column("slot", TIME, nullable=False),
        sa.Column("family_id", NUMBER, nullable=False),
        *(sa.Column(name, NUMBER, nullable=False) for name in COUNTERS),
        *(sa.Column(name, REAL, nullable=False) for name in reals),
        *(sa.Column(name, REAL) for name in ("io_ms", "max_ms", "max_bound_ms")),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name="fk_statement_sum_target_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("target_id", "minutes", "slot", "family_id", name="pk_statement_sum"),
        postgresql_partition_by="RANGE (slot)",
    )
    op.execute("create table statement_sum_pdefault partition of statement_sum default")


def downgrade() -> None:
    op.drop_table("statement_sum")
    op.drop_table("statement_identity")
    op.drop_table("statement_relation")
    op.drop_index("ix_statement_family_unparsed", table_name="statement_family")
    op.execute("alter table statement_entry reset (fillfactor)")
    for table, columns in {
        "statement_family": ("parse_problem", "parsed_at"),
        "statement_sample": ("max_bound_ms", "max_ms"),
        "statement_entry": ("max_since", "max_ms"),
    }.items():
        for name in columns:
            op.drop_column(table, name)
