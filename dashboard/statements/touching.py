"""Which tables a family names, and which families name a table."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from sqlalchemy import select

from dashboard import names
from dashboard.statements.models import StatementFamily, StatementRelation
from dashboard.statements.relations import Relation
from dashboard.statements.texts import one_line
from dashboard.store import db


@dataclass(frozen=True)
class TouchedRow:
    """A table as a family names it; `address` leads to its page, or to the tables of that name."""

    relation: Relation
    address: str | None

    @property
    def label(self) -> str:
        return f"{self.relation.schema}.{self.relation.name}" if self.relation.schema else self.relation.name


@dataclass(frozen=True)
class TouchingRow:
    """A family that names a table; `is_certain` when it writes the schema too, else its search path decides."""

    id: int
    line: str
    is_read: bool
    is_written: bool
    columns: list[str]
    is_certain: bool


def tables_of(family_id: int) -> list[TouchedRow]:
    """The tables that a family names, those with a schema by their address."""
    relation = StatementRelation
    found = select(relation).where(relation.family_id == family_id).order_by(relation.schema, relation.name)
    told = [
        Relation(one.schema, one.name, one.is_read, one.is_written, tuple(one.columns))
        for one in db.session.scalars(found)
    ]
    return [TouchedRow(one, _address(one)) for one in told]


def families_touching(target_id: int, schema: str, name: str, limit: int = 50) -> list[TouchingRow]:
    """Families of a target that name this table, those that write its schema first, then the newest."""
    relation, family = StatementRelation, StatementFamily
    found = (
        select(family.id, family.text, relation.is_read, relation.is_written, relation.columns, relation.schema)
        .join(relation, relation.family_id == family.id)
        .where(family.target_id == target_id, relation.name == name, relation.schema.in_(("", schema)))
        .order_by((relation.schema == "").asc(), family.last_seen_at.desc(), family.id)
        .limit(limit)
    )
    return [
        TouchingRow(family_id, one_line(text), is_read, is_written, columns, is_certain=bool(written))
        for family_id, text, is_read, is_written, columns, written in db.session.execute(found)
    ]


def _address(relation: Relation) -> str | None:
    """Where to read of it; a name without schema leads to the list of tables, which may know one or several."""
    if relation.is_system:
        return None
    if not relation.schema:
        return f"tables?{urlencode({'q': relation.name})}"
    return f"tables/{quote(names.encode(relation.schema, relation.name))}"
