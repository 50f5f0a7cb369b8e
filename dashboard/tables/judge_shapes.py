"""What is wrong with the indexes of a target, looked for only where it can be: some tables and indexes at a time."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.changes.part_queries import indexes_added
from dashboard.findings.record import batched
from dashboard.findings.rules import Finding
from dashboard.tables import verdict_queries as queries
from dashboard.tables import verdicts_findings as findings
from dashboard.tables.index_age import age_text
from dashboard.tables.rows import Index
from dashboard.tables.verdict_queries import AT_ONCE
from dashboard.tables.verdicts import Use
from dashboard.tables.verdicts_findings import Place
from dashboard.tables.verdicts_keys import ForeignKey
from dashboard.tables.verdicts_redundant import redundancies
from dashboard.targets.models import Target

TABLES_AT_ONCE = 500


@dataclass(frozen=True)
class Shapes:
    """What may be wrong: `crowded` tables, `invalid` indexes, foreign keys; `facts` are told by the server."""

    target_id: int
    place: Place
    crowded: list[int]
    invalid: list[Index]
    facts: Mapping[int, Mapping[str, Any]]
    keys: Sequence[ForeignKey]

    @classmethod
    def of(cls, target: Target, facts: Mapping[int, Mapping[str, Any]], keys: Sequence[ForeignKey]) -> "Shapes":
        crowded, invalid = queries.crowded_tables(target.id), queries.invalid_indexes(target.id)
        named = {oid for key in keys for oid in (key.table_oid, key.to_table_oid)}
        tables = queries.tables(target.id, {*crowded, *named, *(index.table_oid for index in invalid)})
        taken = queries.names(target.id) if keys else frozenset()
        return cls(target.id, Place(target.slug, tables, taken), crowded, invalid, facts, keys)

    def misshapen(self) -> Iterator[tuple[int, Finding]]:
        """Each index that another one makes redundant, that lacks a part, or that a failed build left."""
        deferrable = {oid for oid, row in self.facts.items() if row["is_deferrable"]}
        for tables in batched(self.crowded, TABLES_AT_ONCE):
            for one in redundancies(queries.indexes_of(self.target_id, tables), deferrable):
                yield one.index.oid, findings.redundant(one, self.place)
        for index in self.invalid:
            if index.kind == "I":
                parts = queries.parts_of(self.target_id, index.oid)
                yield index.oid, findings.incomplete(index, parts, self.place)
            elif index.oid in self.facts and self.facts[index.oid]["is_abandoned"]:
                yield index.oid, findings.invalid(index, self.place)

    def unused(self, idle: Sequence[tuple[str, Use]], said: Container[int]) -> Iterator[Finding]:
        """Valid indexes without a scan, of which nothing worse was `said`."""
        use_of = {int(oid): use for oids, use in idle for oid in oids.strip("{}").split(",")}
        if not use_of:
            return
        added = indexes_added(self.target_id)
        began = queries.watched_since(self.target_id)
        for oids in batched((oid for oid in use_of if oid not in said), AT_ONCE):
            for index in queries.valid_indexes(self.target_id, oids):
                known = added.get((index.schema, index.name))
                age = age_text(known, index.first_seen_at, began or index.first_seen_at)
                yield findings.unused(index, use_of[index.oid], self.place, age)

    def unindexed(self, now: datetime) -> Iterator[Finding]:
        """Foreign keys without an index."""
        for keys in batched(self.keys, TABLES_AT_ONCE):
            of_table: dict[int, list[Index]] = defaultdict(list)
            for index in queries.indexes_of(self.target_id, {key.table_oid for key in keys}):
                of_table[index.table_oid].append(index)
            found = (findings.unindexed(key, of_table[key.table_oid], self.place, now) for key in keys)
            yield from (one for one in found if one)
