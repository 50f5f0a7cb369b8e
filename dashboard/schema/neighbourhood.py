"""The diagram's data: which tables stand around a focus, and the schemas when there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select, tuple_

from dashboard.schema import diagram
from dashboard.schema.diagram import Key, Picture, Reference, Table
from dashboard.schema.models import SchemaReference, SchemaTable
from dashboard.store import db

MOST_STARTS = 24


@dataclass(frozen=True)
class Neighbour:
    """A table of the diagram, as the list beside it says it."""

    schema: str
    name: str
    kind: str
    comment: str | None
    refers_to: Sequence[str]
    referred_by: Sequence[str]
    hidden_count: int


@dataclass(frozen=True)
class Neighbourhood:
    picture: Picture
    neighbours: Sequence[Neighbour]
    hidden_count: int


def neighbourhood(target_id: int, focus: Key, *, hops: int, columns: str) -> Neighbourhood:
    """The focus and what is one or two references away, at most 60 tables; hubs are shown but not followed."""
    shown, degrees = _shown(target_id, focus, hops)
    tables = _tables(target_id, shown)
    references = [_reference(row) for row in _touching(target_id, shown)]
    drawn = diagram.picture(tables, references, degrees, columns=columns, home=focus[0])
    comments = {(row.schema, row.name): row.comment for row in _rows(target_id, shown)}
    neighbours = [
        Neighbour(
            *node.key,
            kind=node.kind,
            comment=comments.get(node.key),
            refers_to=sorted({_dotted(item.target) for item in references if item.source == node.key}),
            referred_by=sorted({_dotted(item.source) for item in references if item.target == node.key}),
            hidden_count=node.hidden_neighbours,
        )
        for node in drawn.nodes
    ]
    return Neighbourhood(drawn, neighbours, sum(node.hidden_neighbours for node in drawn.nodes))


def starting_points(target_id: int) -> list[SchemaTable]:
    """The best connected tables: where to begin to look."""
    connected = SchemaTable.reference_count + SchemaTable.referenced_by_count
    found = select(SchemaTable).where(SchemaTable.target_id == target_id, connected > 0)
    return list(db.session.scalars(found.order_by(connected.desc(), SchemaTable.name).limit(MOST_STARTS)))


def _shown(target_id: int, focus: Key, hops: int) -> tuple[list[Key], dict[Key, int]]:
    pairs = _pairs(target_id, [focus])
    degrees = _degrees(target_id, [focus, *{key for pair in pairs for key in pair}])
    near = diagram.nearest(focus, pairs, degrees, most=diagram.MOST_TABLES - 1)
    shown = [focus, *near]
    if hops == 1:
        return shown, degrees
    followed = diagram.expandable(near, degrees)
    pairs = _pairs(target_id, followed)
    degrees |= _degrees(target_id, list({key for pair in pairs for key in pair}))
    for key in followed:
        for other in diagram.nearest(key, pairs, degrees, most=diagram.MOST_TABLES):
            if other not in shown and len(shown) < diagram.MOST_TABLES:
                shown.append(other)
    return shown, degrees


def _touching(target_id: int, keys: Sequence[Key]) -> list[SchemaReference]:
    """All references from or to one of these tables."""
    source = tuple_(SchemaReference.from_schema, SchemaReference.from_name)
    target = tuple_(SchemaReference.to_schema, SchemaReference.to_name)
    found = select(SchemaReference).where(
        SchemaReference.target_id == target_id, or_(source.in_(keys), target.in_(keys))
    )
    order = (SchemaReference.from_schema, SchemaReference.from_name, SchemaReference.name)
    return list(db.session.scalars(found.order_by(*order)))


def _pairs(target_id: int, keys: Sequence[Key]) -> list[tuple[Key, Key]]:
    found = [_reference(row) for row in _touching(target_id, keys)]
    return [(item.source, item.target) for item in found]


def _degrees(target_id: int, keys: Sequence[Key]) -> dict[Key, int]:
    return {(row.schema, row.name): row.reference_count + row.referenced_by_count for row in _rows(target_id, keys)}


def _rows(target_id: int, keys: Sequence[Key]) -> list[SchemaTable]:
    found = select(SchemaTable).where(
        SchemaTable.target_id == target_id, tuple_(SchemaTable.schema, SchemaTable.name).in_(keys)
    )
    return list(db.session.scalars(found.order_by(SchemaTable.schema, SchemaTable.name)))


def _tables(target_id: int, keys: Sequence[Key]) -> list[Table]:
    """In the order of the keys: the layout starts from the focus."""
    rows = {(row.schema, row.name): row for row in _rows(target_id, keys)}
    return [
        Table(
            key=key,
            kind=rows[key].kind,
            columns=rows[key].detail.get("columns", []),
            primary=frozenset(
                name
                for constraint in rows[key].detail.get("keys", [])
                if constraint["kind"] == "primary key"
                for name in constraint["columns"]
            ),
        )
        for key in keys
        if key in rows
    ]


def _reference(row: SchemaReference) -> Reference:
    return Reference(
        (row.from_schema, row.from_name), (row.to_schema, row.to_name), row.name, row.from_columns, row.to_columns
    )


def _dotted(key: Key) -> str:
    return ".".join(key)
