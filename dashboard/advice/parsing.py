"""The text of a statement → its shape. Imports the parser, which costs 16 MB: only the collector loads this."""

import logging
import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dashboard.advice.clauses import clauses, folded, ref_of
from dashboard.advice.shapes import Block, Clause, Order, Ref, Source, Statement, Unread, Verb

logging.getLogger("sqlglot").setLevel(logging.ERROR)

LONGEST = 10_000
_PARAMETER = re.compile(
    r"(?P<kept>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(?P<tag>[^\W\d]\w*|)\$.*?\$(?P=tag)\$)"
    r"|(?P<comment>/\*.*?\*/|--[^\r\n]*)|\$(?P<number>\d+)",
    re.DOTALL,
)
UTILITY = Unread("utility", "A command that plans nothing: no index changes it.")
PLANNABLE = ("select", "insert", "update", "delete", "merge", "with", "values", "table")
VERBS: dict[type[exp.Expr], Verb] = {
    exp.Insert: "insert",
    exp.Update: "update",
    exp.Delete: "delete",
    exp.Merge: "merge",
}
# What else the parser may raise on odd text, besides its own errors and the depth of Python's stack.
MISTAKES = (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError)


def parse(text: str) -> Statement | Unread:
    """The shape of one statement; parameters stand for any value."""
    if len(text) > LONGEST:
        return Unread("too_long", f"The text is longer than {LONGEST:,} characters and is not parsed.")
    try:
        parsed = [one for one in sqlglot.parse(_literal(text), read="postgres") if one is not None]
        return _statement(parsed[0]) if len(parsed) == 1 else Unread("unparsable", "The text is not one statement.")
    except MISTAKES:
        is_plannable = text.lstrip("( \t\r\n").lower().startswith(PLANNABLE)
        return Unread("unparsable", "The parser does not understand this text.") if is_plannable else UTILITY


def _literal(text: str) -> str:
    """Parameters as strings: so `interval $1` and `date $1` are what they were before pg_stat_statements cut them."""
    return _PARAMETER.sub(
        lambda found: found["kept"] or (" " if found["comment"] else f"'${found['number']}'"), text
    ).strip()


def _statement(tree: exp.Expr) -> Statement | Unread:
    verb: Verb = VERBS.get(type(tree), "select")
    if verb == "select" and not isinstance(tree, exp.Query):
        return UTILITY
    names = {folded(cte.args["alias"].this) for cte in tree.find_all(exp.CTE)}
    blocks = [block for node in _readers(tree) if (block := _block(node, names, is_outermost=node is tree))]
    written = tree.this if verb != "select" else None
    if isinstance(written, exp.Schema):
        written = written.this
    return Statement(
        verb=verb,
        blocks=tuple(blocks),
        writes=_table(written, set()) if isinstance(written, exp.Table) else None,
        sets=frozenset(_assigned(tree)) if isinstance(tree, exp.Update | exp.Merge) else frozenset(),
    )


def _readers(tree: exp.Expr) -> Iterator[exp.Expr]:
    for node in tree.walk():
        is_update = isinstance(node, exp.Update) and (node is tree or isinstance(node.parent, exp.CTE))
        if is_update or isinstance(node, exp.Select | exp.Delete | exp.Merge):
            yield node


def _assigned(tree: exp.Expr) -> Iterator[str]:
    for node in tree.find_all(exp.Update):
        for item in node.expressions:
            if isinstance(item, exp.EQ):
                yield from (folded(column.this) for column in item.this.find_all(exp.Column))


def _block(node: exp.Expr, names: set[str], *, is_outermost: bool) -> Block | None:
    sources = [*_sources(node, names)]
    if not any(source.name for source in sources):
        return None
    found = [*clauses(_where(node)), *_join_clauses(node, sources)]
    return Block(
        sources=tuple(sources),
        clauses=tuple(one for one in found if isinstance(one, Clause)),
        refused=tuple(dict.fromkeys(one for one in found if isinstance(one, str))),
        order=_order(node),
        has_limit=node.args.get("limit") is not None,
        is_whole=_is_whole(node),
        is_outermost=is_outermost,
    )


def _where(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.Merge):
        on = node.args.get("on")
        return on if isinstance(on, exp.Expr) else None
    where = node.args.get("where")
    return where.this if where is not None else None


def _sources(node: exp.Expr, names: set[str]) -> Iterator[Source]:
    """What stands in FROM, USING and JOIN of this block alone."""
    here = [node.this] if isinstance(node, exp.Update | exp.Delete | exp.Merge) else []
    for part in ("from_", "from", "using"):
        value = node.args.get(part)
        here += value if isinstance(value, list) else [value.this if isinstance(value, exp.From) else value]
    here = [item for item in here if isinstance(item, exp.Expr)]
    joins = [*(node.args.get("joins") or []), *(join for item in here for join in item.args.get("joins") or [])]
    for item in [*here, *(join.this for join in joins)]:
        yield _table(item, names)


def _table(item: exp.Expr, names: set[str]) -> Source:
    """Names of WITH queries hide tables; renamed columns make a table as strange as a subquery."""
    alias = item.args.get("alias")
    called = folded(alias.this) if isinstance(alias, exp.TableAlias) and alias.this is not None else ""
    if not isinstance(item, exp.Table) or not isinstance(item.this, exp.Identifier) or (alias and alias.columns):
        return Source(called, None)
    name, schema = folded(item.this), item.args.get("db")
    if schema is None and name in names:
        return Source(called or name, None)
    return Source(called or name, name, folded(schema) if schema is not None else None)


def _join_clauses(node: exp.Expr, sources: list[Source]) -> Iterator[Clause | str]:
    for join in node.args.get("joins") or []:
        side, joined = join.side, _table(join.this, set())
        if side == "FULL":
            continue
        first = sources[0].alias if sources else None
        yield from clauses(join.args.get("on"), {"LEFT": joined.alias, "RIGHT": first}.get(side))
        for name in join.args.get("using") or []:
            yield Clause("eq", (Ref(joined.alias, folded(name)),), (Ref("", folded(name)),))
            if side != "LEFT" and len(sources) == 2:
                yield Clause("eq", (Ref(first, folded(name)),), (Ref(joined.alias, folded(name)),))


def _order(node: exp.Expr) -> tuple[Order, ...]:
    """ORDER BY as columns; names and numbers of the select list are followed. Empty when it is anything else."""
    order = node.args.get("order")
    found = []
    for item in order.expressions if order is not None else []:
        column = _followed(node, item.this)
        if column is None:
            return ()
        found.append(Order(column, bool(item.args.get("desc")), bool(item.args.get("nulls_first"))))
    return tuple(found)


def _followed(node: exp.Expr, item: exp.Expr) -> Ref | None:
    told = {one.alias: one.this for one in node.expressions if isinstance(one, exp.Alias)}
    if isinstance(item, exp.Literal) and str(item.this).isdigit() and 0 < int(item.this) <= len(node.expressions):
        item = node.expressions[int(item.this) - 1].unalias()
    elif isinstance(item, exp.Column) and item.args.get("table") is None:
        item = told.get(item.name, item)
    return ref_of(item) if isinstance(item, exp.Column) else None


def _is_whole(node: exp.Expr) -> bool:
    """No grouping, no DISTINCT, no aggregate, no limit: as many rows come out as were found."""
    if isinstance(node, exp.Update | exp.Delete):
        return True
    stops = ("group", "distinct", "having", "limit", "offset")
    own = [item for item in node.expressions if any(True for _ in item.find_all(exp.AggFunc, exp.Window))]
    return isinstance(node, exp.Select) and not own and not any(node.args.get(stop) for stop in stops)
