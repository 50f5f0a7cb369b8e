"""Which tables a statement reads and writes, from its text alone (pure).

sqlglot is imported when it is first needed: it costs some 70 MB. Names stay as written: a schema that the text does
not write is empty, because the search path of whoever ran it is not known.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dashboard.sqlparams import as_strings

if TYPE_CHECKING:
    from sqlglot import exp

MOST_RELATIONS, MOST_COLUMNS = 100, 60
DEEPEST = 40
TOO_DEEP = "The text is nested too deeply to be read for its tables."
CUT = "Only the beginning of the text was kept; its tables cannot be told from that."
NOT_SQL = "The text could not be parsed, so the tables it touches are not known."
COMMAND = "This kind of command is not read for the tables it touches."
CURSOR = re.compile(r"\s*declare\s+\S+\s[^()]*?\bcursor\b[^()]*?\bfor\s+", re.IGNORECASE)
SILENT = ("begin", "start", "commit", "end", "rollback", "savepoint", "release", "set", "reset", "show", "discard",
          "deallocate", "close", "fetch", "move", "listen", "unlisten", "notify", "checkpoint", "prepare transaction",
          "abort", "load")  # fmt: skip


@dataclass(frozen=True)
class Relation:
    """A table by its names; `columns` are those that certainly belong to it."""

    schema: str
    name: str
    is_read: bool
    is_written: bool
    columns: tuple[str, ...] = ()

    @property
    def is_system(self) -> bool:
        return self.schema in {"pg_catalog", "information_schema"} or (not self.schema and self.name[:3] == "pg_")


@dataclass(frozen=True)
class Parsed:
    """The tables of a text, or the sentence why they are not known."""

    relations: tuple[Relation, ...] = ()
    problem: str | None = None


@dataclass
class _Found:
    is_read: bool = False
    is_written: bool = False
    columns: set[str] = field(default_factory=set)


def relations_of(text: str, *, truncated: bool = False) -> Parsed:
    """The tables that a statement touches, by name."""
    if truncated:
        return Parsed(problem=CUT)
    if text.lstrip().lower().startswith(SILENT):
        return Parsed()
    if _depth(text) > DEEPEST:
        return Parsed(problem=TOO_DEEP)
    statements = _parse(_plain(text))
    if statements is None:
        return Parsed(problem=NOT_SQL)
    if any(type(statement).__name__ == "Command" for statement in statements):
        return Parsed(problem=COMMAND)
    found: dict[tuple[str, str], _Found] = {}
    for statement in statements:
        _collect(statement, found)
    told = sorted(found.items())[:MOST_RELATIONS]
    return Parsed(
        tuple(
            Relation(*names, one.is_read, one.is_written, tuple(sorted(one.columns)[:MOST_COLUMNS]))
            for names, one in told
        )
    )


def _depth(text: str) -> int:
    """How deeply brackets nest: the parser tries several readings of each."""
    deepest = depth = 0
    for sign in text:
        if sign in "([":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in ")]":
            depth -= 1
    return deepest


def _plain(text: str) -> str:
    """The query of a cursor; literals for parameters, two of which the parser takes for a quoted string."""
    return as_strings(CURSOR.sub("", text, count=1))


def _parse(text: str) -> "list[exp.Expr] | None":
    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of every command that it only passes through
    try:
        return [statement for statement in sqlglot.parse(text, dialect="postgres") if statement is not None]
    except (SqlglotError, RecursionError):
        return None


def _collect(statement: "exp.Expr", found: dict[tuple[str, str], _Found]) -> None:
    from sqlglot import exp

    tables = [node for node in statement.find_all(exp.Table) if _is_named(node) and not _is_of_with(node)]
    aliases: dict[str, tuple[str, str]] = {}
    for table in tables:
        names = _names(table)
        one = found.setdefault(names, _Found())
        is_target = _is_target(table)
        one.is_written |= is_target
        one.is_read |= not is_target and not isinstance(statement, exp.Comment | exp.Grant)
        one.columns |= set(_listed(table))
        aliases[_folded(table.args["alias"].this) if table.args.get("alias") else names[1]] = names
    _add_columns(statement, aliases, found)


def _add_columns(
    statement: "exp.Expr", aliases: Mapping[str, tuple[str, str]], found: Mapping[tuple[str, str], _Found]
) -> None:
    """Columns with the name of a table before them; all of them where there is only one table."""
    from sqlglot import exp

    only = next(iter(aliases.values())) if len(aliases) == 1 and not list(statement.find_all(exp.CTE)) else None
    for column in statement.find_all(exp.Column):
        if not isinstance(column.this, exp.Identifier):
            continue
        before = column.args.get("table")
        names = aliases.get(_folded(before)) if before else only
        if names:
            found[names].columns.add(_folded(column.this))


def _names(table: "exp.Table") -> tuple[str, str]:
    schema = table.args.get("db")
    return (_folded(schema) if schema else "", _folded(table.this))


def _is_named(table: "exp.Table") -> bool:
    """Functions and VALUES only look like tables."""
    from sqlglot import exp

    return isinstance(table.this, exp.Identifier)


def _folded(identifier: Any) -> str:
    """As PostgreSQL folds it: quoted words stay as they are."""
    name = str(identifier.name)
    return name if identifier.args.get("quoted") else name.lower()


def _is_target(table: "exp.Table") -> bool:
    """What INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY … FROM and DDL name first."""
    from sqlglot import exp

    holder = table.parent
    if isinstance(holder, exp.Schema):
        holder = holder.parent
        named: Any = table.parent
    else:
        named = table
    if isinstance(holder, exp.Copy):
        return holder.this is named and bool(holder.args.get("kind"))
    if isinstance(holder, exp.TruncateTable | exp.Drop | exp.Index):
        return True
    writers = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Alter)
    return isinstance(holder, writers) and holder.this is named


def _listed(table: "exp.Table") -> Iterator[str]:
    """The columns that an INSERT lists, and those that an UPDATE sets."""
    from sqlglot import exp

    holder = table.parent
    if isinstance(holder, exp.Schema):
        listed: Sequence[Any] = holder.expressions
        yield from (_folded(one) for one in listed if isinstance(one, exp.Identifier))
    if isinstance(holder, exp.Update):
        sets = [one.this for one in holder.expressions if isinstance(one, exp.EQ)]
        yield from (_folded(one.this) for one in sets if isinstance(one, exp.Column))


def _is_of_with(table: "exp.Table") -> bool:
    """A name that WITH gives to a query; within itself it does not see its own name unless it is recursive."""
    from sqlglot import exp

    if table.args.get("db"):
        return False
    name, node, inside = _folded(table.this), table.parent, None
    while node is not None:
        if isinstance(node, exp.CTE):
            inside = node
        for part in ("with_", "with"):
            if (queries := node.args.get(part)) is not None and name in _seen(queries, inside):
                return True
        if not isinstance(node, exp.CTE | exp.With):
            inside = None if node.args.get("with_") or node.args.get("with") else inside
        node = node.parent
    return False


def _seen(queries: "exp.With", inside: "exp.CTE | None") -> set[str]:
    names = []
    for query in queries.expressions:
        if query is inside and not queries.args.get("recursive"):
            break
        names.append(_folded(query.args["alias"].this))
    return set(names)
