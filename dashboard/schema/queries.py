"""Questions about schemas to the store."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, any_, cast, func, or_, select

from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery
from dashboard.schema.models import SchemaReference, SchemaTable, SchemaVersion
from dashboard.schema.rules import KIND_WORDS, KINDS, Relation, SchemaCount
from dashboard.store import db
from dashboard.targets.queries import probe_state

AT_ONCE = 1_000


@dataclass(frozen=True)
class SchemaRow:
    """A line of the list."""

    schema: str
    name: str
    kind: str
    comment: str | None
    column_count: int
    reference_count: int
    referenced_by_count: int
    parent_schema: str | None
    parent_name: str | None

    def json(self) -> dict[str, Any]:
        return vars(self) | {"kind": KIND_WORDS[self.kind]}


SORTS = tuple(field.name for field in fields(SchemaRow))


def relation_page(target_id: int, query: ListQuery) -> ListPage[SchemaRow]:
    """The tables, views, sequences and enums that fit search and filters; partitions only when asked for."""
    found = _filtered(select(*(getattr(SchemaTable, name) for name in SORTS)), query).where(
        SchemaTable.target_id == target_id
    )
    total = db.session.scalar(select(func.count()).select_from(found.subquery())) or 0
    column = getattr(SchemaTable, query.sort)
    order = column.desc().nulls_last() if query.descending else column.asc().nulls_last()
    ordered = found.order_by(order, SchemaTable.schema, SchemaTable.name)
    rows = db.session.execute(ordered.limit(query.limit).offset(query.offset))
    return ListPage([SchemaRow(**row) for row in rows.mappings()], total, query, seen_until(target_id))


def relation_named(target_id: int, schema: str, name: str) -> SchemaTable:
    """The relation as last seen. Raises NotFound."""
    found = db.session.get(SchemaTable, (target_id, schema, name))
    if found is None:
        raise NotFound(f"Nothing called {schema}.{name} was there at the last collection; it may have been renamed.")
    return found


def schema_counts(target_id: int) -> list[SchemaCount]:
    """What each schema holds, without partitions."""
    table, view = SchemaTable.kind.in_(("r", "p", "f")), SchemaTable.kind.in_(("v", "m"))
    found = (
        select(
            SchemaTable.schema,
            func.count().filter(table).label("table_count"),
            func.count().filter(view).label("view_count"),
            func.count().filter(~table & ~view).label("other_count"),
            func.sum(SchemaTable.reference_count).label("reference_count"),
        )
        .where(SchemaTable.target_id == target_id, SchemaTable.parent_name.is_(None))
        .group_by(SchemaTable.schema)
        .order_by(SchemaTable.schema)
    )
    return [SchemaCount(**row) for row in db.session.execute(found).mappings()]


def references_between_schemas(target_id: int) -> list[tuple[str, str, int]]:
    """(from, to, how many keys) for the arrows of the overview."""
    pair = (SchemaReference.from_schema, SchemaReference.to_schema)
    found = (
        select(*pair, func.count())
        .where(SchemaReference.target_id == target_id, pair[0] != pair[1])
        .group_by(*pair)
        .order_by(*pair)
    )
    return [(source, destination, count) for source, destination, count in db.session.execute(found)]


def references_to(target_id: int, schema: str, name: str) -> list[SchemaReference]:
    """Foreign keys of other tables that lead here."""
    found = select(SchemaReference).where(
        SchemaReference.target_id == target_id, SchemaReference.to_schema == schema, SchemaReference.to_name == name
    )
    order = (SchemaReference.from_schema, SchemaReference.from_name, SchemaReference.name)
    return list(db.session.scalars(found.order_by(*order)))


def partitions_of(target_id: int, schema: str, name: str, limit: int) -> list[SchemaTable]:
    found = select(SchemaTable).where(
        SchemaTable.target_id == target_id, SchemaTable.parent_schema == schema, SchemaTable.parent_name == name
    )
    return list(db.session.scalars(found.order_by(SchemaTable.schema, SchemaTable.name).limit(limit)))


def users_of_enum(target_id: int, schema: str, name: str, limit: int) -> list[SchemaTable]:
    """Tables with a column of this enum."""
    column = {"type_schema": schema, "type_name": name}
    found = select(SchemaTable).where(
        SchemaTable.target_id == target_id, SchemaTable.detail["columns"].contains([column])
    )
    return list(db.session.scalars(found.order_by(SchemaTable.schema, SchemaTable.name).limit(limit)))


def stamps(target_id: int) -> dict[int, str | None]:
    """Fingerprint of each relation as stored."""
    rows = db.session.execute(select(SchemaTable.oid, SchemaTable.stamp).where(SchemaTable.target_id == target_id))
    return {row.oid: row.stamp for row in rows}


def any_of(oids: Sequence[int]) -> Any:
    """As one value: a statement takes no more than 65,535."""
    return any_(cast(list(oids), ARRAY(BigInteger())))


def relations(target_id: int, oids: Sequence[int]) -> list[Relation]:
    rows = db.session.execute(_relations(target_id).where(SchemaTable.oid == any_of(oids)))
    return [Relation(**row) for row in rows.mappings()]


def other_relations(target_id: int, keys: Container[tuple[str, str]]) -> Iterator[Relation]:
    """Stored relations of other names than these, some at a time."""
    names = select(SchemaTable.oid, SchemaTable.schema, SchemaTable.name).where(SchemaTable.target_id == target_id)
    oids = [row.oid for row in db.session.execute(names) if (row.schema, row.name) not in keys]
    for start in range(0, len(oids), AT_ONCE):
        yield from relations(target_id, oids[start : start + AT_ONCE])


def newest_version(target_id: int) -> SchemaVersion | None:
    found = select(SchemaVersion).where(SchemaVersion.target_id == target_id)
    return db.session.scalar(found.order_by(SchemaVersion.seen_at.desc(), SchemaVersion.id.desc()).limit(1))


def seen_until(target_id: int) -> datetime | None:
    """When the stored schema was last confirmed."""
    state = probe_state(target_id, "schema")
    return state.as_of if state else None


def _relations(target_id: int) -> Select[Any]:
    columns = [getattr(SchemaTable, field.name) for field in fields(Relation)]
    return select(*columns).where(SchemaTable.target_id == target_id)


def _filtered(found: Select[Any], query: ListQuery) -> Select[Any]:
    if query.filters.get("partitions") != "shown":
        found = found.where(SchemaTable.parent_name.is_(None))
    if query.q:
        named = (SchemaTable.schema + "." + SchemaTable.name).ilike(query.like())
        found = found.where(or_(named, SchemaTable.comment.ilike(query.like())))
    if schema := query.filters.get("schema"):
        found = found.where(SchemaTable.schema == schema)
    if kind := query.filters.get("kind"):
        found = found.where(SchemaTable.kind == KINDS[kind])
    return found
