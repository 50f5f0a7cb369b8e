"""Two states of a schema → what is different, and how a person says it (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KINDS = {
    "table": "r", "partitioned": "p", "view": "v", "materialized": "m", "foreign": "f", "sequence": "S", "enum": "e",
}  # fmt: skip
KIND_WORDS = {
    "r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table",
    "S": "sequence", "e": "enum",
}  # fmt: skip
PARTS = {"columns": "column", "keys": "key", "indexes": "index", "triggers": "trigger"}
WHOLE = {"bound": "bound", "partitioned_by": "partition key", "definition": "definition", "sequence": "settings"}
TABLES = frozenset("rpf")


@dataclass(frozen=True)
class Relation:
    """A table, view, sequence or enum at one time."""

    oid: int
    schema: str
    name: str
    kind: str
    comment: str | None
    parent_schema: str | None
    parent_name: str | None
    detail: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.name

    @property
    def home(self) -> tuple[str, str]:
        """Where its changes are told: a partition's belong to its parent."""
        return (self.parent_schema, self.parent_name) if self.parent_schema and self.parent_name else self.key

    @property
    def noun(self) -> str:
        return "partition" if self.parent_name else KIND_WORDS[self.kind]


@dataclass(frozen=True)
class SchemaCount:
    """What a schema holds."""

    schema: str
    table_count: int
    view_count: int
    other_count: int
    reference_count: int


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was: `orders` · `column` · `note` · `added`."""

    schema: str
    relation: str
    kind: str
    part: str
    name: str
    what: str
    before: Any = None
    after: Any = None

    @property
    def words(self) -> str:
        return f"{self.part} {self.name} {self.what}" if self.name != self.relation else f"{self.part} {self.what}"


def difference(old: Iterable[Relation], new: Iterable[Relation]) -> list[Difference]:
    """What was added, removed, renamed or changed between two states of the same relations."""
    before, after = {row.key: row for row in old}, {row.key: row for row in new}
    gone = {row.oid: row for key, row in before.items() if key not in after}
    found: list[Difference] = []
    for key in sorted(after):
        row = after[key]
        past = before.get(key) or gone.pop(row.oid, None)
        if past is None:
            found.append(_whole(row, "added"))
        else:
            found += _renamed(past, row) + _changed(past, row)
    found += [_whole(row, "removed") for row in sorted(gone.values(), key=lambda row: row.key)]
    return found


def title(differences: Sequence[Difference]) -> str:
    """One line for the change lane: `orders: column note added`, `orders: 3 changes`, `3 tables changed`."""
    homes = {(item.schema, item.relation): item for item in differences}
    if len(differences) == 1:
        return f"{differences[0].relation}: {differences[0].words}"
    if len(homes) == 1:
        return f"{differences[0].relation}: {len(differences)} changes"
    is_tables = all(item.kind in TABLES for item in homes.values())
    return f"{len(homes)} {'tables' if is_tables else 'objects'} changed"


def _whole(row: Relation, what: str) -> Difference:
    schema, relation = row.home
    return Difference(schema, relation, row.kind, row.noun, row.name, what)


def _renamed(past: Relation, row: Relation) -> list[Difference]:
    if past.key == row.key:
        return []
    before, after = (".".join(key) if past.schema != row.schema else key[1] for key in (past.key, row.key))
    schema, relation = row.home
    return [Difference(schema, relation, row.kind, row.noun, row.name, f"renamed from {before}", before, after)]


def _changed(past: Relation, row: Relation) -> list[Difference]:
    schema, relation = row.home
    found = [
        Difference(schema, relation, row.kind, noun, name, what, before, after)
        for part, noun in PARTS.items()
        for name, what, before, after in _part(past.detail.get(part, []), row.detail.get(part, []))
    ]
    labels = past.detail.get("labels", []), row.detail.get("labels", [])
    whole = [(noun, past.detail.get(name), row.detail.get(name)) for name, noun in WHOLE.items()]
    whole += [("comment", past.comment, row.comment), ("labels", *labels), ("parent", past.home, row.home)]
    found += [
        Difference(schema, relation, row.kind, noun, row.name, "changed", before, after)
        for noun, before, after in whole
        if before != after and not (noun == "parent" and past.parent_name == row.parent_name)
    ]
    return found


def _part(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, Any, Any]]:
    """Named parts of a relation: (name, what, before, after)."""
    before, after = {item["name"]: item for item in old}, {item["name"]: item for item in new}
    places = {item.get("position"): item for name, item in before.items() if name not in after}
    found: list[tuple[str, str, Any, Any]] = []
    for name, item in after.items():
        past = before.get(name)
        if past is None and (moved := places.get(item.get("position"))) is not None and "position" in item:
            places.pop(item["position"])
            found.append((name, f"renamed from {moved['name']}", moved["name"], name))
        elif past is None:
            found.append((name, "added", None, _facts(item)))
        elif changed := {key for key in item if key != "position" and item[key] != past.get(key)}:
            words = "changed" if len(changed) > 1 else f"{_noun(next(iter(changed)))} changed"
            found.append((name, words, _only(past, changed), _only(item, changed)))
    kept = {id(item) for item in places.values()}
    gone = [item for name, item in before.items() if name not in after and ("position" not in item or id(item) in kept)]
    return found + [(item["name"], "removed", _facts(item), None) for item in gone]


def _facts(item: Mapping[str, Any]) -> dict[str, Any]:
    """What is worth telling of a part that came or went: the fields that say something."""
    return {name: value for name, value in item.items() if value and name != "position"}


def _only(item: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: item.get(name) for name in sorted(names)}


def _noun(field: str) -> str:
    return {
        "is_required": "NOT NULL",
        "is_valid": "validity",
        "is_validated": "validation",
        "is_enabled": "activation",
    }.get(field, field)
