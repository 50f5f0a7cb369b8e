"""What may be asked about a recorded text: whether it can be planned, whether it may run, what it reads (pure)."""

import logging
import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dashboard.plans.parameters import parameter_count, tokens_of
from dashboard.sqlparams import as_strings

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # its warnings quote the statement

VERBS = ("select", "insert", "update", "delete", "merge", "values", "with")
MOST_PARAMETERS = 1_000
TRUNCATED = "Only the first 10 000 characters of this statement were kept, which are no statement that can be planned."
UNREADABLE = "The recorded text cannot be read as SQL."
NO_PLAN = "Only SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES and WITH have a plan; this is another kind of statement."
SEVERAL = "The recorded text is more than one statement."
TOO_MANY = f"It has more than {MOST_PARAMETERS} parameters."
WRITES = "It is only run when it does nothing but read; this one may change data, lock rows or make a table."
UNSURE = "It is only run when it surely does nothing but read; our parser does not understand this one."
ACTS = "It calls {names}, which may act beyond a transaction that is rolled back, so it is not run."
# Functions that a READ ONLY transaction which is rolled back does not hold: they signal, wait, keep locks, leave the
# server or move what is not transactional.
_ACTING = re.compile(
    r"(?:pg_(?!typeof|size_|relation_|table_|total_|indexes_|database_size|column_size|get_|encoding|char_)\w*"
    r"|lo_\w+|dblink\w*|nextval|setval|set_config|query_to_xml\w*|table_to_xml\w*|cursor_to_xml\w*|database_to_xml\w*"
    r"|schema_to_xml\w*)\Z"
)


def why_no_plan(text: str, *, is_truncated: bool) -> str | None:
    """A sentence when EXPLAIN is not even asked."""
    if is_truncated:
        return TRUNCATED
    try:
        tokens = tokens_of(text)
    except ValueError:
        return UNREADABLE
    words = [text[token.start : token.end + 1].lower() for token in tokens]
    first = next((word for word in words if word != "("), "")
    if first not in VERBS:
        return NO_PLAN
    if ";" in words[: len(words) - 1]:
        return SEVERAL
    return TOO_MANY if parameter_count(text) > MOST_PARAMETERS else None


def why_not_run(text: str) -> str | None:
    """A sentence when ANALYZE, which runs the statement, is not allowed."""
    statement = _parsed(text)
    if statement is None:
        return UNSURE
    root = statement.unnest() if isinstance(statement, exp.Subquery) else statement
    writing = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.Lock, exp.Command)
    if not isinstance(root, exp.Query | exp.Values) or statement.find(*writing):
        return WRITES
    acting = sorted({name for name in _functions(statement) if _ACTING.match(name)})
    return ACTS.format(names=", ".join(acting)) if acting else None


def tables_of(text: str) -> list[str]:
    """Names of the tables that a statement mentions, without schema; none when the parser does not understand it."""
    statement = _parsed(text)
    if statement is None:
        return []
    named = {cte.alias for cte in statement.find_all(exp.CTE)}
    return sorted({table.name for table in statement.find_all(exp.Table) if table.name} - named)


def _parsed(text: str) -> exp.Expr | None:
    try:
        found = sqlglot.parse(as_strings(text), read="postgres")
    except (SqlglotError, RecursionError):
        return None
    return found[0] if len(found) == 1 else None


def _functions(statement: exp.Expr) -> Iterator[str]:
    for function in statement.find_all(exp.Func):
        yield (function.name if isinstance(function, exp.Anonymous) else function.sql_name()).lower()
