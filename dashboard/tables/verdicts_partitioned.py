"""Indexes of partitioned tables, built on one partition after the other without stopping writes (pure).

CREATE INDEX CONCURRENTLY does not take a partitioned table. What it takes instead: an index on the parent alone, which
is invalid and holds nothing, one on each partition, and attaching them; with the last one the parent's becomes valid.
"""

from collections.abc import Container, Sequence

from dashboard.findings.rules import Remedy
from dashboard.tables.rows import Index, Table
from dashboard.tables.verdicts_keys import index_name
from dashboard.tables.verdicts_remedies import definition, dropped, quoted

MOST_PARTITIONS = 100
ONE_BY_ONE = (
    "An index on a partitioned table cannot be built concurrently. So the parent gets an empty one, each of its "
    "{count} partitions one that is built without stopping writes, and each is attached; the last makes it valid."
)


def can_one_by_one(partitions: Sequence[Table]) -> bool:
    """Partitions that are partitioned themselves, and very many of them, are left to a person."""
    return 0 < len(partitions) <= MOST_PARTITIONS and all(part.kind == "r" for part in partitions)


def built_one_by_one(
    name: str, columns: Sequence[str], parent: Table, partitions: Sequence[Table], taken: Container[str]
) -> Remedy:
    """A b-tree on these columns of the parent."""
    keys = f"({', '.join(quoted(column) for column in columns)})"
    place, used = quoted(parent.schema, name), {name}
    up = [f"DROP INDEX IF EXISTS {place}"]
    up.append(f"CREATE INDEX {quoted(name)} ON ONLY {quoted(parent.schema, parent.name)} {keys}")
    for part in partitions:
        own = _free(part, columns, taken, used)
        built = f"CREATE INDEX CONCURRENTLY {quoted(own)} ON {quoted(part.schema, part.name)} {keys}"
        up += _attached(place, quoted(part.schema, own), built)
    down = (f"DROP INDEX IF EXISTS {place}",)
    return Remedy(tuple(up), down, in_transaction=False, note=ONE_BY_ONE.format(count=len(partitions)))


def completed(index: Index, lacking: Sequence[Table], taken: Container[str]) -> Remedy | None:
    """The parts that a partitioned index lacks; the way back leaves them, because an attached part cannot go alone."""
    whole = definition(index, concurrently=True)
    head, found, rest = (whole or "").partition(f" USING {index.method} ")
    if not found or not lacking or not can_one_by_one(lacking) or head.startswith("CREATE UNIQUE"):
        return None
    place, used = quoted(index.schema, index.name), set[str]()
    up = list[str]()
    for part in lacking:
        own = _free(part, [name for name in index.columns if name != "(expression)"], taken, used)
        table = quoted(part.schema, part.name)
        up += _attached(
            place,
            quoted(part.schema, own),
            f"CREATE INDEX CONCURRENTLY {quoted(own)} ON {table} USING {index.method} {rest}",
        )
    return Remedy(tuple(up), (), in_transaction=False, note="An attached part cannot be taken back by itself.")


def _attached(place: str, part: str, built: str) -> list[str]:
    return [dropped(part), built, f"ALTER INDEX {place} ATTACH PARTITION {part}"]


def _free(part: Table, columns: Sequence[str], taken: Container[str], used: set[str]) -> str:
    found = index_name(part.name, columns, _Either(taken, used))
    used.add(found)
    return found


class _Either:
    """Names that are taken, and those that this remedy has given."""

    def __init__(self, *sets: Container[str]) -> None:
        self._sets = sets

    def __contains__(self, name: object) -> bool:
        return any(name in names for names in self._sets)
