"""Names in a statement → tables and columns of the schema, and what it asks of each table (pure)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dashboard.advice.scans import Scan
from dashboard.advice.shapes import Block, Clause, Need, Order, Ref, Source, Statement, Table, Term, Unread

Catalog = Mapping[str, Sequence[Table]]
CATALOGS = ("pg_catalog", "information_schema")
OUTSIDE = -1


@dataclass(frozen=True)
class _Place:
    """A source of a block with the table that it is; None for subqueries and what is not in the schema."""

    source: Source
    table: Table | None


def needs(statement: Statement, catalog: Catalog, scans: Sequence[Scan] = ()) -> tuple[list[Need], list[Unread]]:
    """What the statement asks of each table, and why parts of it ask nothing that we could answer.

    The scans of its plan, if there is one, tell in which schema a name was found.
    """
    homes = {scan.table: scan.schema for scan in scans if scan.schema}
    found: list[Need] = []
    problems: list[Unread] = []
    for block in statement.blocks:
        places = []
        for source in block.sources:
            table, problem = table_of(source, catalog, homes.get(source.name or ""))
            places.append(_Place(source, table))
            problems += [problem] if problem else []
        found += _linked(_needs(block, places, problems))
    return found, list(dict.fromkeys(problems))


def table_of(source: Source, catalog: Catalog, home: str | None = None) -> tuple[Table | None, Unread | None]:
    """The table that a name means; which schema an unqualified name is in is known only when there is one."""
    if source.name is None:
        return None, None
    if source.schema in CATALOGS or (source.schema is None and source.name.startswith("pg_")):
        return None, Unread("catalog", f"It reads {source.name} of the server's own catalogue.")
    schema = source.schema or home
    known = [one for one in catalog.get(source.name, ()) if schema in {None, one.schema}]
    if len(known) > 1:
        where = ", ".join(sorted(one.schema for one in known))
        return None, Unread("ambiguous", f"“{source.name}” is in several schemas ({where}); the text does not tell.")
    if not known:
        return None, Unread("unknown_table", f"“{source.name}” is not a table of the stored schema.")
    if known[0].kind == "v":
        return None, Unread("view", f"“{source.name}” is a view: what it reads is not followed without a plan.")
    return known[0], None


def _needs(block: Block, places: list[_Place], problems: list[Unread]) -> Iterator[Need | None]:
    """One for each source in its order."""
    terms: list[list[Term]] = [[] for _ in places]
    complete = not block.refused
    for clause in block.clauses:
        try:
            at, read = _terms(clause, places)
        except _Unclear as unclear:
            problems.append(unclear.problem)
            complete = False
            continue
        if at == OUTSIDE:
            continue
        terms[at] += read
    ordered = _ordered(block.order, places)
    alone = len(places) == 1
    for at, place in enumerate(places):
        if place.table is None:
            yield None
            continue
        yield Need(
            table=place.table,
            terms=tuple(dict.fromkeys(terms[at])),
            order=block.order if ordered == at else (),
            has_limit=block.has_limit,
            is_whole=block.is_whole and block.is_outermost and alone,
            is_alone=alone and block.is_outermost,
            is_complete=complete and alone,
            refused=block.refused,
        )


def _linked(found: Iterator[Need | None]) -> list[Need]:
    """Every need with its neighbours: they say how often it is asked."""
    every = list(found)
    return [
        replace(need, drivers=tuple(other for other in every if other is not None and other is not need))
        for need in every
        if need is not None
    ]


class _Unclear(Exception):  # noqa: N818 - it is caught two functions up and never leaves this module
    def __init__(self, code: str, sentence: str) -> None:
        self.problem = Unread(code, sentence)


def _terms(clause: Clause, places: list[_Place]) -> tuple[int, list[Term]]:
    """Which source the clause filters, and by what. Raises _Unclear."""
    where = {_at(ref, places) for ref in clause.refs}
    if len(where) != 1 or OUTSIDE in where:
        return OUTSIDE, []
    at = where.pop()
    if clause.only is not None and places[at].source.alias != clause.only:
        return OUTSIDE, []
    table = places[at].table
    if table is None:
        return OUTSIDE, []
    sides = {_at(ref, places) for ref in clause.others}
    if at in sides:
        columns = ", ".join(ref.column for ref in (*clause.refs, *clause.others))
        raise _Unclear("expression", f"Two columns of one table are compared with each other ({columns}).")
    return at, [
        Term(ref.column, clause.kind, clause.function, is_join=bool(sides))
        for ref in clause.refs
        if ref.column in table.columns
    ]


def _at(ref: Ref, places: list[_Place]) -> int:
    """The number of the source that has this column; OUTSIDE for columns of an outer query. Raises _Unclear."""
    if ref.alias is not None:
        return next((at for at, place in enumerate(places) if place.source.alias == ref.alias), OUTSIDE)
    having = [at for at, place in enumerate(places) if place.table and ref.column in place.table.columns]
    unknown = [at for at, place in enumerate(places) if place.table is None]
    if len(having) == 1 and (not unknown or len(places) == 1):
        return having[0]
    if having or (unknown and len(places) > 1):
        raise _Unclear("ambiguous", f"Which table has the column “{ref.column}” cannot be told from the text.")
    return OUTSIDE


def _ordered(order: tuple[Order, ...], places: list[_Place]) -> int | None:
    """The one source that all of ORDER BY belongs to."""
    try:
        where = {_at(item.ref, places) for item in order}
    except _Unclear:
        return None
    return where.pop() if len(where) == 1 else None
