"""Stores a schema: changed relations, foreign keys, a version of the whole, and a row in the change lane."""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from dashboard.changes.record import record
from dashboard.names import encode
from dashboard.schema import queries, rules
from dashboard.schema.details import HIDDEN
from dashboard.schema.models import SchemaReference, SchemaTable, SchemaVersion
from dashboard.schema.rules import Relation
from dashboard.store import db
from dashboard.targets.models import Target

MOST_DIFFERENCES = 200


def store(
    target: Target,
    old: Sequence[Relation],
    new: Sequence[Relation],
    stamps: Mapping[int, str | None],
    *,
    noticed_after: datetime | None,
    at: datetime,
) -> None:
    """Put the new state of these relations in the place of the old one; the caller commits."""
    _replace(target.id, old, new, stamps)
    _count_references(target.id)
    newest = queries.newest_version(target.id)
    document = _document(target.id)
    digest = hashlib.sha256(document).digest()
    if newest is not None and newest.hash == digest:
        return
    db.session.add(SchemaVersion(target_id=target.id, seen_at=at, hash=digest, document=zlib.compress(document)))
    if newest is not None:
        _record(target, rules.difference(old, new), noticed_after, at)


def _replace(
    target_id: int, old: Sequence[Relation], new: Sequence[Relation], stamps: Mapping[int, str | None]
) -> None:
    oids = [row.oid for row in old]
    sources = [(row.schema, row.name) for row in old]
    if old:
        db.session.execute(delete(SchemaTable).where(SchemaTable.target_id == target_id, SchemaTable.oid.in_(oids)))
        _forget_references(target_id, sources)
    if new:
        rows = [_table(target_id, row, stamps[row.oid]) for row in new]
        adding = insert(SchemaTable)
        fields = {name: adding.excluded[name] for name in rows[0] if name not in {"target_id", "schema", "name"}}
        keyed = adding.on_conflict_do_update(index_elements=["target_id", "schema", "name"], set_=fields)
        # Without render_nulls each row with other fields unknown would be a statement of its own.
        db.session.execute(keyed.execution_options(render_nulls=True), rows)
    references = [reference for row in new for reference in _references(target_id, row)]
    if references:
        db.session.execute(insert(SchemaReference).on_conflict_do_nothing(), references)


def _forget_references(target_id: int, sources: Sequence[tuple[str, str]]) -> None:
    names = {name for _, name in sources}
    wanted = set(sources)
    stored = select(SchemaReference).where(SchemaReference.target_id == target_id, SchemaReference.from_name.in_(names))
    for reference in db.session.scalars(stored):
        if (reference.from_schema, reference.from_name) in wanted:
            db.session.delete(reference)
    db.session.flush()


def _table(target_id: int, row: Relation, stamp: str | None) -> dict[str, Any]:
    return {
        "target_id": target_id,
        "schema": row.schema,
        "name": row.name,
        "oid": row.oid,
        "kind": row.kind,
        "comment": row.comment,
        "column_count": len(row.detail.get("columns", [])),
        "reference_count": 0,
        "referenced_by_count": 0,
        "parent_schema": row.parent_schema,
        "parent_name": row.parent_name,
        "detail": row.detail,
        "stamp": stamp,
        "stale_note": HIDDEN if stamp is None else None,
    }


def _references(target_id: int, row: Relation) -> list[dict[str, Any]]:
    return [
        {
            "target_id": target_id,
            "from_schema": row.schema,
            "from_name": row.name,
            "name": key["name"],
            "from_columns": key["columns"],
            "to_schema": key["to_schema"],
            "to_name": key["to_name"],
            "to_columns": key["to_columns"],
        }
        for key in row.detail.get("keys", [])
        if key["kind"] == "foreign key" and key["to_name"] is not None
    ]


def _count_references(target_id: int) -> None:
    """How many keys lead out of and into each table."""
    into, out = (
        select(func.count())
        .where(SchemaReference.target_id == SchemaTable.target_id, *same)
        .correlate(SchemaTable)
        .scalar_subquery()
        for same in (
            (SchemaReference.to_schema == SchemaTable.schema, SchemaReference.to_name == SchemaTable.name),
            (SchemaReference.from_schema == SchemaTable.schema, SchemaReference.from_name == SchemaTable.name),
        )
    )
    is_off = (SchemaTable.reference_count != out) | (SchemaTable.referenced_by_count != into)
    db.session.execute(
        update(SchemaTable)
        .where(SchemaTable.target_id == target_id, is_off)
        .values(reference_count=out, referenced_by_count=into)
        .execution_options(synchronize_session=False)
    )


def _document(target_id: int) -> bytes:
    """The whole schema as canonical JSON: the same schema always gives the same bytes; oids do not belong to it."""
    rows = [
        {name: value for name, value in vars(row).items() if name != "oid"} for row in queries.all_relations(target_id)
    ]
    return json.dumps(rows, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _record(
    target: Target, differences: Sequence[rules.Difference], noticed_after: datetime | None, at: datetime
) -> None:
    if not differences:
        return
    homes = {(item.schema, item.relation) for item in differences}
    record(
        "schema",
        rules.title(differences),
        subject=encode(*next(iter(homes))) if len(homes) == 1 else "schema",
        target_id=target.id,
        environment_id=target.environment_id,
        at=at,
        noticed_after=noticed_after,
        detail={
            "count": len(differences),
            "differences": [vars(item) | {"words": item.words} for item in differences[:MOST_DIFFERENCES]],
        },
        dedupe_key=f"schema:{target.id}:{at.isoformat()}",
    )
