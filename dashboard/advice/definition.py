"""An index as SQL and in words (pure)."""

from dataclasses import dataclass
from hashlib import blake2b

from dashboard.advice.matching import TRIGRAMS
from dashboard.advice.shapes import IndexShape, Key, Kind, Table
from dashboard.targets.capabilities import quoted

LONGEST_NAME = 63
PARTITIONED = (
    "The table is partitioned, and an index on all of it cannot be built concurrently. This makes an invalid index on "
    "the parent only: build one like it on every partition with CREATE INDEX CONCURRENTLY and attach each with "
    "ALTER INDEX … ATTACH PARTITION; with the last one the parent's becomes valid."
)
TESTS: dict[Kind, str] = {"null": "{} IS NULL", "not_null": "{} IS NOT NULL", "true": "{}", "false": "NOT {}"}


@dataclass(frozen=True)
class Definition:
    """`columns` are the keys as a person reads them."""

    name: str
    create_sql: str
    drop_sql: str
    columns: list[str]
    predicate: str | None
    note: str | None


def definition(table: Table, index: IndexShape, *, taken: frozenset[str], trigram_schema: str | None) -> Definition:
    """Statements that build the index and remove it again; its name is not one of those taken."""
    name = index_name(table, index, taken)
    keys = ", ".join(_key_sql(key, index.method, trigram_schema) for key in index.keys)
    predicate = " AND ".join(TESTS[kind].format(quoted(column)) for column, kind in index.predicate) or None
    where = f" WHERE {predicate}" if predicate else ""
    only = "ONLY " if table.kind == "p" else ""
    how = "" if table.kind == "p" else " CONCURRENTLY"
    place = f"{quoted(table.schema)}.{quoted(table.name)}"
    return Definition(
        name=name,
        create_sql=f"CREATE INDEX{how} {quoted(name)} ON {only}{place} USING {index.method} ({keys}){where}",
        drop_sql=f"DROP INDEX{how} {quoted(table.schema)}.{quoted(name)}",
        columns=[_key_words(key) for key in index.keys],
        predicate=predicate,
        note=PARTITIONED if table.kind == "p" else None,
    )


def stable_key(table: Table, index: IndexShape) -> str:
    """The same advice has the same key, whatever its index is called."""
    keys = ",".join(f"{_key_words(key)}{' ' + key.opclass if key.opclass else ''}" for key in index.keys)
    where = ",".join(f"{column} {kind}" for column, kind in index.predicate)
    return f"missing_index:{table.label}:{index.method}({keys})" + (f":{where}" if where else "")


def index_name(table: Table, index: IndexShape, taken: frozenset[str]) -> str:
    """ix_table_column_column within the 63 bytes of an identifier, with a digest where it is cut or taken."""
    words = "_".join([table.name, *index.columns])
    name = f"ix_{words}"
    if len(name.encode()) <= LONGEST_NAME and name not in taken:
        return name
    digest = blake2b(stable_key(table, index).encode(), digest_size=4).hexdigest()
    cut = name.encode()[: LONGEST_NAME - len(digest) - 1].decode(errors="ignore")
    return f"{cut}_{digest}"


def _key_sql(key: Key, method: str, trigram_schema: str | None) -> str:
    column = quoted(key.column)
    words = [f"{key.function}({column})" if key.function else column]
    if key.opclass == TRIGRAMS and trigram_schema is not None:
        words.append(f"{quoted(trigram_schema)}.{TRIGRAMS}")
    elif key.opclass:
        words.append(key.opclass)
    if method == "btree":
        words += _direction(key)
    return " ".join(words)


def _direction(key: Key) -> list[str]:
    """What differs from PostgreSQL's usual: nulls are last going up and first going down."""
    if key.descending:
        return ["DESC"] if key.nulls_first else ["DESC", "NULLS LAST"]
    return ["NULLS FIRST"] if key.nulls_first else []


def _key_words(key: Key) -> str:
    name = f"{key.function}({key.column})" if key.function else key.column
    return " ".join([name, *(word.lower() for word in _direction(key))])
