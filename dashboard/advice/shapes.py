"""What a statement asks of its tables, before and after its names were found in the schema (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "eq", "in", "range", "between", "null", "not_null", "true", "false", "contains", "overlaps", "fulltext", "like",
    "ilike", "prefix", "regex",
]  # fmt: skip
Verb = Literal["select", "insert", "update", "delete", "merge"]
EQUAL: frozenset[Kind] = frozenset({"eq", "in"})
RANGES: frozenset[Kind] = frozenset({"range", "between"})
FIXED: frozenset[Kind] = frozenset({"null", "not_null", "true", "false"})
INVERTED: frozenset[Kind] = frozenset({"contains", "overlaps", "fulltext", "like", "ilike", "regex"})


@dataclass(frozen=True)
class Ref:
    """A column as it is written; without an alias the schema has to tell whose it is."""

    alias: str | None
    column: str


@dataclass(frozen=True)
class Clause:
    """A condition on `refs` that an index could answer; `others` are the columns that the other side is made of.

    `function` is what is applied to the column, such as lower. `only` names the one source that it may filter: the
    condition of an outer join never filters its outer side.
    """

    kind: Kind
    refs: tuple[Ref, ...]
    others: tuple[Ref, ...] = ()
    function: str | None = None
    only: str | None = None


@dataclass(frozen=True)
class Source:
    """A table in FROM under its alias; without a name it is a subquery, a function or a WITH query."""

    alias: str
    name: str | None
    schema: str | None = None


@dataclass(frozen=True)
class Order:
    """One item of ORDER BY: a plain column."""

    ref: Ref
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Block:
    """One SELECT, or the reading half of an UPDATE or DELETE. `refused` are conditions that no index answers.

    `order` is empty unless all of it are columns. `is_whole`: one row of the answer is one row that was found.
    """

    sources: tuple[Source, ...]
    clauses: tuple[Clause, ...]
    refused: tuple[str, ...]
    order: tuple[Order, ...]
    has_limit: bool
    is_whole: bool
    is_outermost: bool


@dataclass(frozen=True)
class Statement:
    """A parsed statement. `writes` is the table that it changes, `sets` the columns an UPDATE assigns."""

    verb: Verb
    blocks: tuple[Block, ...]
    writes: Source | None = None
    sets: frozenset[str] = frozenset()

    @property
    def tables(self) -> set[str]:
        """Names of all tables, without their schemas."""
        written = [self.writes] if self.writes else []
        sources = [*(source for block in self.blocks for source in block.sources), *written]
        return {source.name for source in sources if source.name is not None}


@dataclass(frozen=True)
class Unread:
    """Why a statement gave no shape: a word to filter by, and a sentence."""

    code: str
    sentence: str


@dataclass(frozen=True)
class Column:
    name: str
    number: int
    type: str
    collation: str | None = None


@dataclass(frozen=True)
class Stats:
    """What pg_stats knows of a column: shares only, never values. `distinct` as stored: negative is per row.

    `common` values have a share each, `common_share` in all, from `top_share` down to `least_share`.
    """

    distinct: float
    null_share: float
    width: int
    correlation: float | None = None
    common: int = 0
    common_share: float = 0.0
    top_share: float = 0.0
    least_share: float = 0.0


@dataclass(frozen=True)
class Key:
    """One key of an index: a column, or a function of it."""

    column: str
    function: str | None = None
    descending: bool = False
    nulls_first: bool = False
    opclass: str | None = None


@dataclass(frozen=True)
class IndexShape:
    """An index that is there (it has a name) or would be. `predicate` holds the fixed terms that it is limited to.

    `is_readable` is False for a predicate or an expression that is not understood: it serves nothing here.
    """

    keys: tuple[Key, ...]
    method: str = "btree"
    predicate: tuple[tuple[str, Kind], ...] = ()
    name: str | None = None
    pages: int | None = None
    is_unique: bool = False
    is_readable: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(key.column for key in self.keys)


@dataclass(frozen=True)
class Table:
    """A table as schema and statistics know it. Rates of change are of the window."""

    oid: int
    schema: str
    name: str
    kind: str
    columns: Mapping[str, Column]
    pages: int
    rows: float | None
    indexes: Sequence[IndexShape] = ()
    stats: Mapping[str, Stats] = field(default_factory=dict)
    hot_share: float | None = None
    rows_inserted: float = 0.0
    rows_updated: float = 0.0

    @property
    def label(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Term:
    """A condition on a column of a known table. `is_join`: its value comes from rows of other tables."""

    column: str
    kind: Kind
    function: str | None = None
    is_join: bool = False

    @property
    def fixed(self) -> tuple[str, Kind]:
        return self.column, self.kind


@dataclass(frozen=True)
class Need:
    """What one statement asks of one table. `others` are the needs of its neighbours in the same FROM."""

    table: Table
    terms: tuple[Term, ...]
    order: tuple[Order, ...] = ()
    has_limit: bool = False
    is_whole: bool = False
    is_alone: bool = True
    is_complete: bool = True
    refused: tuple[str, ...] = ()
    drivers: tuple["Need", ...] = ()
