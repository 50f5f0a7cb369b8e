"""The statements that end a finding about an index, and those that take them back (pure).

A partitioned index cannot be dropped concurrently: that stands in a transaction, with a note. How one is built without
stopping writes: verdicts_partitioned.py.
"""

import re

from dashboard.findings.rules import Remedy
from dashboard.tables.rows import Index, Table
from dashboard.tables.verdicts_keys import ForeignKey

CREATE = re.compile(r'CREATE (UNIQUE )?INDEX ("(?:[^"]|"")*"|\S+) ON (?:ONLY )?', re.DOTALL)
LEFTOVER = re.compile(r"_cc(new|old)\d*$")
LOCKS_TABLE = (
    "A partitioned index cannot be built or dropped concurrently: the statement locks the table and all its "
    "partitions against writes while it runs."
)


def quoted(*names: str) -> str:
    """A name as SQL takes it, whatever is in it: `("app", 'a"b')` → `"app"."a""b"`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def drop_index(index: Index) -> Remedy | None:
    """None while its definition is not known: without it there would be no way back."""
    built = definition(index, concurrently=index.kind != "I")
    if built is None:
        return None
    if index.kind == "I":
        return Remedy((f"DROP INDEX {_name(index)}",), (built,), note=LOCKS_TABLE)
    return Remedy((dropped(_name(index)),), (dropped(_name(index)), built), in_transaction=False)


def drop_constraint(index: Index) -> Remedy | None:
    """Of a unique constraint with its index; the way back builds the index first and then adopts it."""
    built = definition(index, concurrently=True)
    if built is None or index.constraint_name is None or index.kind == "I":
        return None
    table, constraint = quoted(index.schema, index.table_name), quoted(index.constraint_name)
    adopted = f"ALTER TABLE {table} ADD CONSTRAINT {constraint} UNIQUE USING INDEX {quoted(index.name)}"
    return Remedy(
        (f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}",),
        (dropped(_name(index)), built, adopted),
        in_transaction=False,
        note="Dropping the constraint locks the table for a moment; the lock timeout limits how long others may queue.",
    )


def repair_index(index: Index) -> Remedy:
    """What a failed concurrent build left is rebuilt, what a failed concurrent rebuild left is dropped."""
    if LEFTOVER.search(index.name):
        return Remedy((dropped(_name(index)),), (), in_transaction=False, note="There is nothing to take back.")
    note = "There is nothing to take back."
    if index.is_unique:
        note = f"If the build failed because of duplicate rows, it fails again: remove them first. {note}"
    return Remedy((f"REINDEX INDEX CONCURRENTLY {_name(index)}",), (), in_transaction=False, note=note)


def build_index(key: ForeignKey, child: Table, name: str) -> Remedy:
    columns = ", ".join(quoted(column) for column in key.names)
    place, table = quoted(child.schema, name), quoted(child.schema, child.name)
    if child.kind == "p":
        return Remedy(
            (f"CREATE INDEX {quoted(name)} ON {table} ({columns})",), (f"DROP INDEX {place}",), note=LOCKS_TABLE
        )
    built = f"CREATE INDEX CONCURRENTLY {quoted(name)} ON {table} ({columns})"
    return Remedy((dropped(place), built), (dropped(place),), in_transaction=False)


def definition(index: Index, *, concurrently: bool) -> str | None:
    """CREATE INDEX as the server wrote it, with or without CONCURRENTLY, for the table with its partitions."""
    found = CREATE.match(index.definition or "")
    if found is None or index.definition is None:
        return None
    head = f"CREATE {found[1] or ''}INDEX {'CONCURRENTLY ' if concurrently else ''}{found[2]} ON "
    return head + index.definition[found.end() :]


def _name(index: Index) -> str:
    return quoted(index.schema, index.name)


def dropped(place: str) -> str:
    """IF EXISTS lets a migration that was cut in the middle run again."""
    return f"DROP INDEX CONCURRENTLY IF EXISTS {place}"
