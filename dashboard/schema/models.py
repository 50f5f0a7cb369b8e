"""The schema of each target: what lists and pages read now, and every version of it that was seen."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from dashboard.store import Base


class SchemaTable(Base):
    """A table, view, sequence or enum as last seen. `detail` has its columns, keys, indexes, triggers, labels.

    `stamp` is the fingerprint of its catalogue rows: what has the same stamp is not asked again. It is empty while
    somebody's lock hid a definition; `stale_note` says so.
    """

    __tablename__ = "schema_table"

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    schema: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    oid: Mapped[int]
    kind: Mapped[str]
    comment: Mapped[str | None]
    column_count: Mapped[int]
    reference_count: Mapped[int]
    referenced_by_count: Mapped[int]
    parent_schema: Mapped[str | None]
    parent_name: Mapped[str | None]
    detail: Mapped[dict[str, Any]]
    stamp: Mapped[str | None]
    stale_note: Mapped[str | None]


class SchemaReference(Base):
    """A foreign key: an arrow of the diagram. Columns of both sides in the key's order."""

    __tablename__ = "schema_reference"
    __table_args__ = (Index("ix_schema_reference_to", "target_id", "to_schema", "to_name"),)

    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"), primary_key=True)
    from_schema: Mapped[str] = mapped_column(primary_key=True)
    from_name: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    from_columns: Mapped[list[str]]
    to_schema: Mapped[str]
    to_name: Mapped[str]
    to_columns: Mapped[list[str]]


class SchemaVersion(Base):
    """The whole schema as it was from `seen_at` on, compressed JSON; written when its hash changes."""

    __tablename__ = "schema_version"
    __table_args__ = (Index("ix_schema_version_seen", "target_id", "seen_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id", ondelete="CASCADE"))
    seen_at: Mapped[datetime]
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    document: Mapped[bytes] = mapped_column(LargeBinary)
