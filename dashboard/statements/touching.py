"""Which tables a family names, and which families name a table."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from sqlalchemy import select

from dashboard import names
from dashboard.statements.models import StatementFamily, StatementRelation
from dashboard.statements.relations import Relation
from dashboard.store import db


@dataclass(frozen=True)
class TouchedRow:
    """A table as a family names it; `address` leads to its page, or to the tables of that name."""

    relation: Relation
    address: str | None

    @property
    def label(self) -> str:
        return f"{self.relation.schema}.{self.relation.name}" if self.relation.schema else self.relation.name


def tables_of(family_id: int) -> list[TouchedRow]:
    """The tables that a family names, those with a schema by their address."""
    relation = StatementRelation
    found = select(relation).where(relation.family_id == family_id).order_by(relation.schema, relation.name)
    told = [
        Relation(one.schema, one.name, one.is_read, one.is_written, tuple(one.columns))
        for one in db.session.scalars(found)
    ]
    return [TouchedRow(one, _address(one)) for one in told]


def families_touching(target_id: int, schema: str, name: str) -> set[int]:
    """Families of a target that name this table; one that writes no schema may mean another of that name."""
    relation, family = StatementRelation, StatementFamily
    found = select(family.id).join(relation, relation.family_id == family.id)
    is_named = (family.target_id == target_id, relation.name == name, relation.schema.in_(("", schema)))
    return set(db.session.scalars(found.where(*is_named)))


def _address(relation: Relation) -> str | None:
    """Where to read of it; a name without schema leads to the list of tables, which may know one or several."""
    if relation.is_system:
        return None
    if not relation.schema:
        return f"tables?{urlencode({'q': relation.name})}"
    return f"tables/{quote(names.encode(relation.schema, relation.name))}"
