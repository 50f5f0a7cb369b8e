"""Which share of a table's rows a condition finds, as a range: parameters are unknown, shares of values are (pure)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import prod, sqrt

from dashboard.advice.shapes import FIXED, Need, Table, Term

# PostgreSQL's own guess for an open range is a third; what applications ask for is often far less.
RANGE_SHARE = (0.005, 1 / 3)
BETWEEN_SHARE = (0.001, 0.1)
INVERTED_SHARE = (0.0005, 0.05)
LONGEST_LIST = 10
UNKNOWN_NULLS = (0.01, 0.9)
UNKNOWN_EQUAL_HIGH = 0.1
UNKNOWN_DRIVERS = (1.0, 1000.0)


@dataclass(frozen=True)
class Span:
    """From the best case to the worst."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The geometric mean: halfway between a hundredth and one is a tenth."""
        return sqrt(max(self.low, 1e-12) * max(self.high, 1e-12))

    def times(self, other: "Span | float") -> "Span":
        factor = other if isinstance(other, Span) else Span(other, other)
        return Span(self.low * factor.low, self.high * factor.high)

    def within(self, least: float, most: float) -> "Span":
        return Span(min(max(self.low, least), most), min(max(self.high, least), most))


def span_text(low: float, high: float, tell: Callable[[float], str]) -> str:
    """`12 to 40`, or one of them when they read the same."""
    first, last = tell(low), tell(high)
    return first if first == last else f"{first} to {last}"


def share(term: Term, table: Table) -> Span:
    """The share of the rows that one value of the condition finds."""
    if term.kind in {"eq", "in"}:
        equal = _equal(term, table)
        return equal if term.kind == "eq" or term.is_join else Span(equal.low, min(1.0, equal.high * LONGEST_LIST))
    if term.kind in FIXED:
        return _fixed(term, table)
    if term.kind == "range":
        return Span(*RANGE_SHARE)
    return Span(*(BETWEEN_SHARE if term.kind in {"between", "prefix"} else INVERTED_SHARE))


def distinct(column: str, table: Table) -> float | None:
    """How many values a column has; a unique index proves it where statistics are missing."""
    rows = max(table.rows or 0, 1)
    if any(index.is_unique and not index.predicate and index.columns == (column,) for index in table.indexes):
        return rows
    stats = table.stats.get(column)
    if stats is None or not stats.distinct:
        return None
    return min(rows, max(1.0, -stats.distinct * rows if stats.distinct < 0 else stats.distinct))


def together(terms: Iterable[Term], table: Table) -> Span:
    """Several conditions at once: at best they are independent, at worst they find the same rows."""
    shares = [share(term, table) for term in terms]
    if not shares:
        return Span(1.0, 1.0)
    return Span(prod(one.low for one in shares), min(one.high for one in shares)).within(0.0, 1.0)


def driving_rows(need: Need) -> Span:
    """How many rows of the other tables ask this one: those of the neighbour that its own conditions narrow most."""
    if not need.drivers:
        return Span(*UNKNOWN_DRIVERS)
    found = []
    for other in need.drivers:
        own = [term for term in other.terms if not term.is_join]
        rows = max(other.table.rows or 1.0, 1.0)
        found.append(together(own, other.table).times(rows).within(1.0, rows))
    return min(found, key=lambda one: one.middle)


def _equal(term: Term, table: Table) -> Span:
    """(1 - null share) / distinct values; at best a rare value, at worst the most common one."""
    rows, values = max(table.rows or 0, 1), distinct(term.column, table)
    if values is None:
        return Span(1 / rows, UNKNOWN_EQUAL_HIGH)
    stats = table.stats.get(term.column)
    if stats is None or term.function:
        return Span(1 / values, 1 / values).within(1 / rows, 1.0)
    rest = max(0.0, 1 - stats.null_share - stats.common_share)
    rare = rest / (values - stats.common) if values > stats.common and rest else 0.0
    average = (1 - stats.null_share) / values
    low = min(known for known in (rare, stats.least_share, average) if known > 0 or known == average)
    return Span(low, max(average, stats.top_share)).within(1 / rows, 1.0)


def _fixed(term: Term, table: Table) -> Span:
    stats = table.stats.get(term.column)
    if term.kind in {"null", "not_null"}:
        if stats is None:
            return Span(*UNKNOWN_NULLS)
        nulls = stats.null_share if term.kind == "null" else 1 - stats.null_share
        return Span(nulls, nulls).within(1 / max(table.rows or 0, 1), 1.0)
    if stats is None or not stats.top_share:
        return Span(*UNKNOWN_NULLS)
    halves = sorted((stats.top_share, max(0.0, 1 - stats.null_share - stats.top_share)))
    return Span(halves[0], halves[1]).within(1 / max(table.rows or 0, 1), 1.0)
