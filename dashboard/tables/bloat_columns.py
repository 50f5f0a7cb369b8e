"""Bloat as columns of the lists of tables and indexes: the measurement while it is newer than the estimate."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case

from dashboard.tables.models import RelationBloat

_IS_MEASURED = RelationBloat.measured_at >= RelationBloat.estimated_at
BLOAT: dict[str, ColumnElement[Any]] = {
    "bloat_bytes": case((_IS_MEASURED, RelationBloat.measured_bytes), else_=RelationBloat.bloat_bytes),
    "bloat_share": case((_IS_MEASURED, RelationBloat.measured_share), else_=RelationBloat.bloat_share),
    "bloat_reason": RelationBloat.reason.expression,
}


def same_relation(target_id: Any, oid: Any) -> ColumnElement[bool]:
    """How a row of tables or indexes finds its bloat; it has none while it is smaller than 1 MB."""
    return and_(RelationBloat.target_id == target_id, RelationBloat.oid == oid)
