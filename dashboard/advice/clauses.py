"""Conditions of a parsed statement → clauses that an index could answer, and sentences for those that none can."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import exp

from dashboard.advice.shapes import Clause, Kind, Ref

Found = Clause | str
MIRRORED: dict[type[exp.Expr], Kind] = {
    exp.EQ: "eq", exp.NullSafeEQ: "eq", exp.GT: "range", exp.GTE: "range", exp.LT: "range", exp.LTE: "range",
}  # fmt: skip
ONE_SIDED: dict[type[exp.Expr], Kind] = {
    exp.Like: "like",
    exp.ILike: "ilike",
    exp.StartsWith: "prefix",
    exp.RegexpLike: "regex",
    exp.RegexpILike: "regex",
    exp.ArrayContainsAll: "contains",
    exp.JSONBContainsTopKey: "contains",
    exp.JSONBContainsAnyTopKeys: "contains",
    exp.JSONBContainsAllTopKeys: "contains",
    exp.ArrayOverlaps: "overlaps",
}
# Only those that PostgreSQL marks immutable may stand in an index.
FUNCTIONS: dict[type[exp.Expr], str] = {
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Length: "length",
    exp.Abs: "abs",
    exp.MD5: "md5",
}


def clauses(condition: exp.Expr | None, only: str | None = None) -> Iterator[Found]:
    """Every part of an AND by itself; a sentence where no index can help."""
    for part in _parts(condition):
        for found in _clause(part):
            yield found if isinstance(found, str) or only is None else _limited(found, only)


def refs(node: exp.Expr) -> tuple[Ref, ...]:
    """The columns in an expression, also those inside its subqueries."""
    return tuple(dict.fromkeys(ref_of(column) for column in node.find_all(exp.Column)))


def ref_of(column: exp.Expr) -> Ref:
    table = column.args.get("table")
    return Ref(folded(table) if table is not None else None, folded(column.this))


def folded(name: exp.Expr) -> str:
    """A name as the catalogue writes it: unquoted ones are lower case."""
    text = str(name.name)
    return text if name.args.get("quoted") else text.lower()


def _limited(clause: Clause, only: str) -> Clause:
    return Clause(clause.kind, clause.refs, clause.others, clause.function, only)


def _parts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    waiting = [node] if node is not None else []
    while waiting:
        part = waiting.pop().unnest()
        if isinstance(part, exp.And):
            waiting += [part.expression, part.this]
        else:
            yield part


def _clause(part: exp.Expr) -> Iterator[Found]:
    if isinstance(part, exp.Operator):
        part = _plain_operator(part)
    if isinstance(part, exp.Escape):
        part = part.this
    if (kind := MIRRORED.get(type(part))) is not None:
        yield from _comparison(kind, part.this.unnest(), part.expression.unnest())
    elif (kind := ONE_SIDED.get(type(part))) is not None:
        yield _one(kind, part.this.unnest(), refs(part.expression), part)
    elif isinstance(part, exp.In):
        yield from _in(part)
    elif (read := OTHERS.get(type(part))) is not None:
        yield read(part)
    elif not isinstance(part, exp.Boolean | exp.Exists):
        yield f"{_said(part)} is not a comparison that an index answers."


def _plain_operator(part: exp.Operator) -> exp.Expr:
    """OPERATOR(pg_catalog.=), as foreign keys write it."""
    name = str(part.args["operator"]).rsplit(".", 1)[-1]
    kinds = {"=": exp.EQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
    return kinds[name](this=part.this, expression=part.expression) if name in kinds else part


def _comparison(kind: Kind, left: exp.Expr, right: exp.Expr) -> Iterator[Found]:
    """Both sides may be the indexed one, where both hold columns."""
    if isinstance(left, exp.Tuple):
        columns = tuple(ref_of(item) for item in left.expressions if isinstance(item, exp.Column))
        if len(columns) == len(left.expressions):
            # (a, b) > (…) walks an index on a, b from one place on: the first column decides where.
            yield Clause(kind, columns if kind == "eq" else columns[:1], refs(right))
            return
    if isinstance(right, exp.Any | exp.All) and kind == "eq":
        kind = "in"
    is_query = isinstance(right, exp.Subquery | exp.Select)
    found = [_one(kind, left, () if is_query else refs(right), None)] if refs(left) else []
    if refs(right) and not is_query and not isinstance(right, exp.Any | exp.All):
        found.append(_one(kind, right, refs(left), None))
    good = [one for one in found if isinstance(one, Clause)]
    yield from good or found[:1]


def _between(part: exp.Expr) -> Found:
    return _one("between", part.this.unnest(), refs(part.args["low"]) + refs(part.args["high"]), part)


def _fulltext(part: exp.Expr) -> Found:
    return _one("fulltext", part.expressions[0].unnest(), refs(part.this), part)


def _true(part: exp.Expr) -> Found:
    return Clause("true", (ref_of(part),))


def _one(kind: Kind, node: exp.Expr, others: tuple[Ref, ...], part: exp.Expr | None) -> Found:
    if isinstance(node, exp.Column):
        return Clause(kind, (ref_of(node),), others)
    name = FUNCTIONS.get(type(node))
    if name is not None and isinstance(node.this, exp.Column) and kind in {"eq", "in", "range", "between"}:
        return Clause(kind, (ref_of(node.this),), others, name)
    return _refused(node, part)


def _refused(node: exp.Expr, part: exp.Expr | None) -> str:
    if not refs(node):
        return f"{_said(part or node)} compares no column of a table."
    if isinstance(node, exp.Collate):
        return f"{_said(node)} compares in another collation than the column's."
    if isinstance(node, exp.Cast | exp.TsOrDsToDate | exp.Date):
        return f"{_said(node)} converts the column before comparing: compare the column itself with a range of values."
    if isinstance(node, exp.JSONExtract | exp.JSONExtractScalar):
        return f"{_said(node)} reads a key of a document that the text does not tell: @> on the document can use GIN."
    return f"{_said(node)} is computed from a column: an index on the column does not answer it."


def _in(part: exp.In) -> Iterator[Found]:
    query = part.args.get("query")
    others: tuple[Ref, ...] = (Ref("", "subquery"),) if query is not None else ()
    node = part.this.unnest()
    if isinstance(node, exp.Tuple) and all(isinstance(item, exp.Column) for item in node.expressions):
        yield Clause("in", tuple(ref_of(item) for item in node.expressions), others)
    else:
        yield _one("in", node, others, part)


def _is(part: exp.Is) -> Found:
    if not isinstance(part.this, exp.Column):
        return f"{_said(part)} tests an expression, not a column."
    negated = bool(part.args.get("negate"))
    if isinstance(part.expression, exp.Null):
        return Clause("not_null" if negated else "null", (ref_of(part.this),))
    if isinstance(part.expression, exp.Boolean) and not negated:
        return Clause("true" if part.expression.this else "false", (ref_of(part.this),))
    return f"{_said(part)} is answered by no index alone."


def _not(part: exp.Not) -> Found:
    inner = part.this.unnest()
    if isinstance(inner, exp.Column):
        return Clause("false", (ref_of(inner),))
    if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null) and isinstance(inner.this, exp.Column):
        return Clause("not_null", (ref_of(inner.this),))
    return f"{_said(part)} excludes values: an index finds what is there, not what is missing."


def _or(part: exp.Or) -> Found:
    """a = 1 OR a = 2 is a list; over several columns each of them would need an index of its own."""
    arms = [*part.flatten()]
    found = [[*_clause(arm.unnest())] for arm in arms]
    columns = {one.refs for arm in found for one in arm if isinstance(one, Clause)}
    same = all(len(arm) == 1 and isinstance(arm[0], Clause) and arm[0].kind in {"eq", "in"} for arm in found)
    if same and len(columns) == 1:
        return Clause("in", next(iter(columns)))
    return f"{_said(part)} joins conditions on several columns with OR: no single index answers it."


def _said(node: exp.Expr) -> str:
    """As SQL, short; our stand-ins for parameters lose their quotes."""
    words = re.sub(r"'(\$\d+)'", r"\1", node.sql(dialect="postgres", comments=False)).replace("\n", " ")
    return words if len(words) <= 60 else f"{words[:58].rstrip()} …"


OTHERS: dict[type[exp.Expr], Callable[[Any], Found]] = {
    exp.MatchAgainst: _fulltext,
    exp.Between: _between,
    exp.Is: _is,
    exp.Column: _true,
    exp.Not: _not,
    exp.Or: _or,
}
