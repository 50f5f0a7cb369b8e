"""Tables and indexes of the targets: current state (what lists read) and samples (written when they change)."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Index, desc, text
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base

NUMBERS = ARRAY(BigInteger())
NAMED = ("schema", "table_name", "name")


class TableState(Base):
    """A table as last seen. heap_bytes has all forks, toast_bytes its index; heap + toast + indexes = total.

    A partitioned table carries the sums over its leaves. `sized_at` is set only while the sizes are older
    than the collection; `size_note` says why. Counters are counted since `counted_since`. `pages` and `tuples`
    are what the planner was told last (tuples -1: never); `options` are written as `fillfactor=70`.
    `resized_at` is when its size last changed as far as we saw, `sampled_at` when it was last written down. The
    projection is where its total will be in 30 days, `forecast_note` why there is none. The digests tell the next
    collection what has not changed: all that was told, and what a change of the size would show in.
    """

    __tablename__ = "table_state"
    __table_args__ = (
        Index(
            "ix_table_state_total",
            "target_id",
            desc("total_bytes").nulls_last(),
            "schema",
            "name",
            postgresql_where=text("parent_oid is null"),
        ),
        Index("ix_table_state_name", "target_id", "schema", "name"),
        Index("ix_table_state_parent", "target_id", "parent_oid"),
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    schema: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    parent_oid: Mapped[int | None]
    partition_count: Mapped[int]
    heap_bytes: Mapped[int | None]
    toast_bytes: Mapped[int | None]
    index_bytes: Mapped[int | None]
    total_bytes: Mapped[int | None]
    sized_at: Mapped[datetime | None]
    size_note: Mapped[str | None]
    sampled_at: Mapped[datetime | None]
    growth_24h_bytes: Mapped[int | None]
    row_estimate: Mapped[int | None]
    dead_rows: Mapped[int | None]
    rows_inserted: Mapped[int | None]
    rows_updated: Mapped[int | None]
    rows_deleted: Mapped[int | None]
    sequential_scans: Mapped[int | None]
    index_scans: Mapped[int | None]
    last_scan_at: Mapped[datetime | None]
    last_vacuum_at: Mapped[datetime | None]
    last_analyze_at: Mapped[datetime | None]
    counted_since: Mapped[datetime | None]
    pages: Mapped[int | None]
    tuples: Mapped[float | None]
    relfilenode: Mapped[int | None]
    options: Mapped[list[str]]
    rows_hot_updated: Mapped[int | None]
    modified_since_analyze: Mapped[int | None]
    inserted_since_vacuum: Mapped[int | None]
    last_autovacuum_at: Mapped[datetime | None]
    last_autoanalyze_at: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    resized_at: Mapped[datetime | None]
    growth_7d_bytes: Mapped[int | None]
    growth_30d_bytes: Mapped[int | None]
    growth_90d_bytes: Mapped[int | None]
    projected_low_bytes: Mapped[int | None]
    projected_bytes: Mapped[int | None]
    projected_high_bytes: Mapped[int | None]
    forecast_note: Mapped[str | None]
    forecast_at: Mapped[datetime | None]
    digest: Mapped[int] = mapped_column(default=0)
    write_digest: Mapped[int] = mapped_column(default=0)


class TableSample(Base):
    """Sizes of a table from a time on; written when they changed, and every four weeks. See TableReading."""

    __tablename__ = "table_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    heap_bytes: Mapped[int]
    toast_bytes: Mapped[int]
    index_bytes: Mapped[int]
    row_estimate: Mapped[int | None]
    relfilenode: Mapped[int | None]


class IndexSample(Base):
    """The size of an index from a time on; written as those of tables are."""

    __tablename__ = "index_sample"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    size_bytes: Mapped[int]
    relfilenode: Mapped[int | None]


class TableReading(Base):
    """One collection of all tables: between two of them, a table without a sample is known not to have changed."""

    __tablename__ = "table_reading"
    __table_args__ = {"postgresql_partition_by": "RANGE (slot)"}

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    tables: Mapped[int]
    total_bytes: Mapped[int | None]
    system_identifier: Mapped[str | None]


class IndexState(Base):
    """An index as last seen. `scans` count since `counted_since`; it is watched since `first_seen_at`.

    Its shape as pg_index has it: `key_columns` and `include_columns` are attribute numbers (0: an expression),
    `opclasses`, `collations` and `options` (bits: 1 descending, 2 nulls first) speak about the key columns in their
    order. `expressions`, `predicate` and `definition` are texts that could not be read yet while they are None
    though a key column is 0, `is_partial` holds, or in any case.
    """

    __tablename__ = "index_state"
    __table_args__ = (
        Index(
            "ix_index_state_size",
            "target_id",
            desc("size_bytes").nulls_last(),
            *NAMED,
            postgresql_where=text("parent_oid is null"),
        ),
        Index("ix_index_state_table", "target_id", "table_oid"),
        Index("ix_index_state_name", "target_id", *NAMED, postgresql_include=["oid", "parent_oid"]),
        Index(
            "ix_index_state_scans",
            "target_id",
            "scans",
            *NAMED,
            postgresql_include=["oid"],
            postgresql_where=text("parent_oid is null"),
        ),
    )

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    table_oid: Mapped[int]
    parent_oid: Mapped[int | None]
    schema: Mapped[str]
    table_name: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    method: Mapped[str]
    columns: Mapped[list[str]]
    definition: Mapped[str | None]
    size_bytes: Mapped[int | None]
    scans: Mapped[int | None]
    rows_read: Mapped[int | None]
    last_scan_at: Mapped[datetime | None]
    counted_since: Mapped[datetime | None]
    first_seen_at: Mapped[datetime]
    is_unique: Mapped[bool]
    is_primary: Mapped[bool]
    is_valid: Mapped[bool]
    is_partial: Mapped[bool]
    constraint_name: Mapped[str | None]
    key_columns: Mapped[list[int]] = mapped_column(NUMBERS)
    include_columns: Mapped[list[int]] = mapped_column(NUMBERS)
    opclasses: Mapped[list[int]] = mapped_column(NUMBERS)
    collations: Mapped[list[int]] = mapped_column(NUMBERS)
    options: Mapped[list[int]] = mapped_column(NUMBERS)
    storage_options: Mapped[list[str]]
    expressions: Mapped[str | None]
    predicate: Mapped[str | None]
    nulls_not_distinct: Mapped[bool]
    is_ready: Mapped[bool]
    is_clustered: Mapped[bool]
    is_replica_identity: Mapped[bool]
    is_exclusion: Mapped[bool]
    backs_constraint: Mapped[bool]
    is_referenced: Mapped[bool]
    pages: Mapped[int | None]
    tuples: Mapped[float | None]
    relfilenode: Mapped[int | None]
    sampled_at: Mapped[datetime | None]
    digest: Mapped[int] = mapped_column(default=0)


class IndexVerdict(Base):
    """What the last judgement says of an index: its use over all servers of the cluster, and what is wrong with it.

    `scans` were counted since `since`. `own_scans` are those of this server alone; `used_at` is when they were last
    seen to rise, for servers before 16, which do not tell.
    """

    __tablename__ = "index_verdict"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    why: Mapped[str]
    since: Mapped[datetime | None]
    scans: Mapped[int | None]
    own_scans: Mapped[int | None]
    used_at: Mapped[datetime | None]
    trouble: Mapped[str | None]


class RelationBloat(Base):
    """What a vacuum or a rewrite would give back, of tables and b-trees of 1 MB and more.

    `reason` says why there is no estimate. `residue_bytes` are of dropped columns, inside of live rows: at most so
    much, and only rewriting rows frees it. An estimate is written when it changes. Measured: on somebody's demand.
    """

    __tablename__ = "relation_bloat"
    __table_args__ = (Index("ix_relation_bloat_table", "target_id", "table_oid"),)

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    oid: Mapped[int] = mapped_column(primary_key=True)
    table_oid: Mapped[int]
    kind: Mapped[str]
    pages: Mapped[int]
    bloat_bytes: Mapped[int | None]
    bloat_share: Mapped[float | None]
    residue_bytes: Mapped[int | None]
    is_random: Mapped[bool]
    reason: Mapped[str | None]
    estimated_at: Mapped[datetime]
    measured_bytes: Mapped[int | None]
    measured_share: Mapped[float | None]
    measured_at: Mapped[datetime | None]
    measured_by: Mapped[str | None]
