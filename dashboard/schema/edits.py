"""Stores a schema: changed relations, foreign keys, a version of the whole, and a row in the change lane."""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update

from dashboard.changes.record import record
from dashboard.names import encode
from dashboard.schema import queries, rules
from dashboard.schema.details import HIDDEN
from dashboard.schema.models import SchemaReference, SchemaTable, SchemaVersion
from dashboard.schema.rules import Relation
from dashboard.store import copy_in, db
from dashboard.targets.models import Target

MOST_DIFFERENCES = 200
CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode
COLUMNS = (
    "target_id", "schema", "name", "oid", "kind", "comment", "column_count", "reference_count", "referenced_by_count",
    "parent_schema", "parent_name", "detail", "stamp", "stale_note",
)  # fmt: skip
AFTER_DETAIL = ("kind", "name", "parent_name", "parent_schema", "schema")
WRITE = text(f"""
insert into schema_table ({", ".join(COLUMNS)})
select
    :target_id, r.schema, r.name, r.oid, r.kind, r.comment, r.column_count, 0, 0, r.parent_schema, r.parent_name,
    r.detail, r.stamp, case when r.stamp is null then cast(:hidden as text) end
from json_to_recordset(cast(:rows as json)) as r (
    schema text, name text, oid bigint, kind text, comment text, column_count bigint, parent_schema text,
    parent_name text, detail jsonb, stamp text
)
on conflict (target_id, schema, name) do update
set
    (oid, kind, comment, column_count, parent_schema, parent_name, detail, stamp, stale_note)
    = (excluded.oid, excluded.kind, excluded.comment, excluded.column_count, excluded.parent_schema,
       excluded.parent_name, excluded.detail, excluded.stamp, excluded.stale_note)
""")  # noqa: S608 - the names are our own
REFER = text("""
insert into schema_reference
select * from json_populate_recordset(cast(null as schema_reference), cast(:references as json))
on conflict do nothing
""")


def forget(target_id: int, old: Sequence[Relation]) -> None:
    """Take away the old state of these relations."""
    if old:
        gone = SchemaTable.oid == queries.any_of([row.oid for row in old])
        db.session.execute(delete(SchemaTable).where(SchemaTable.target_id == target_id, gone))
        _forget_references(target_id, [(row.schema, row.name) for row in old])


def write(
    target_id: int, new: Sequence[Relation], stamps: Mapping[int, str], *, is_first: bool = False
) -> dict[tuple[str, str], str]:
    """Store the new state of these relations; their canonical JSON by schema and name. Without a stamp: hidden.

    `is_first`: none of the target is stored yet, so that they can be copied in.
    """
    by_key = {row.key: row for row in new}
    details = {key: CANONICAL(row.detail) for key, row in by_key.items()}
    if is_first:
        rows = (_values(target_id, row, stamps.get(row.oid), details[key]) for key, row in by_key.items())
        copy_in(SchemaTable.__tablename__, COLUMNS, rows)
    else:
        told = ",".join(_row(row, stamps.get(row.oid), details[key]) for key, row in by_key.items())
        db.session.execute(WRITE, {"target_id": target_id, "hidden": HIDDEN, "rows": f"[{told}]"})
    references = [reference for row in new for reference in _references(target_id, row)]
    if references:
        db.session.execute(REFER, {"references": json.dumps(references)})
    return {key: canonical(row, details[key]) for key, row in by_key.items()}


def canonical(row: Relation, detail: str | None = None) -> str:
    """With sorted names, and without the oid, which does not belong to a schema. `detail`: the same, once known."""
    more = {name: getattr(row, name) for name in AFTER_DETAIL}
    detail = CANONICAL(row.detail) if detail is None else detail
    return f'{{"comment":{CANONICAL(row.comment)},"detail":{detail},{CANONICAL(more)[1:]}'


def finish(
    target: Target,
    old: Sequence[Relation],
    new: Sequence[Relation],
    documents: Mapping[tuple[str, str], str],
    *,
    noticed_after: datetime | None,
    at: datetime,
) -> None:
    """Once all is written: a version of the whole, when it is another one; the caller commits."""
    _count_references(target.id)
    newest = queries.newest_version(target.id)
    digest, document = _whole(target.id, documents)
    if newest is not None and newest.hash == digest:
        return
    db.session.add(SchemaVersion(target_id=target.id, seen_at=at, hash=digest, document=document))
    if newest is not None:
        _record(target, rules.difference(old, new), noticed_after, at)


def _forget_references(target_id: int, sources: Sequence[tuple[str, str]]) -> None:
    names = {name for _, name in sources}
    wanted = set(sources)
    stored = select(SchemaReference).where(SchemaReference.target_id == target_id, SchemaReference.from_name.in_(names))
    for reference in db.session.scalars(stored):
        if (reference.from_schema, reference.from_name) in wanted:
            db.session.delete(reference)
    db.session.flush()


def _values(target_id: int, row: Relation, stamp: str | None, detail: str) -> tuple[Any, ...]:
    """In the order of COLUMNS."""
    note = HIDDEN if stamp is None else None
    count = len(row.detail.get("columns", ()))
    known = row.schema, row.name, row.oid, row.kind, row.comment, count, 0, 0, row.parent_schema, row.parent_name
    return target_id, *known, detail, stamp, note


def _row(row: Relation, stamp: str | None, detail: str) -> str:
    more = vars(row) | {"stamp": stamp, "column_count": len(row.detail.get("columns", ()))}
    del more["detail"]
    return f'{CANONICAL(more)[:-1]},"detail":{detail}}}'


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


def _whole(target_id: int, documents: Mapping[tuple[str, str], str]) -> tuple[bytes, bytes]:
    """Hash and compressed text of the whole schema: the same schema always gives the same bytes."""
    others = {row.key: canonical(row) for row in queries.other_relations(target_id, documents)}
    whole = {**documents, **others}
    hashed, packed = hashlib.sha256(), zlib.compressobj()
    parts = list[bytes]()
    for place, key in enumerate(sorted(whole)):
        part = f"{',' if place else '['}{whole[key]}".encode()
        hashed.update(part)
        parts.append(packed.compress(part))
    end = b"]" if whole else b"[]"
    hashed.update(end)
    return hashed.digest(), b"".join([*parts, packed.compress(end), packed.flush()])


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
