"""What it costs to read a table with or without an index, in the planner's units and in blocks (pure).

Formulas: PostgreSQL's costsize.c; heap pages after Mackert and Lohman, interpolated by the square of the correlation.
"""

from dataclasses import dataclass
from math import ceil, floor, log, log2

from dashboard.advice.matching import Match, match
from dashboard.advice.selectivity import LONGEST_LIST, Span, driving_rows, share, together
from dashboard.advice.shapes import IndexShape, Key, Need, Table, Term

FANOUT = 300
HEADER_BYTES, POINTER_BYTES, ALIGNMENT, TID_BYTES = 8, 4, 8, 6
FILL = 0.9
UNKNOWN_WIDTH = 16
GIN_DESCENT = 3
# A mean of calls is never known better than this.
MEASURED = Span(0.8, 1.25)
UNKNOWN_LIMIT = Span(1.0, 100.0)
UNEVEN = 10.0


@dataclass(frozen=True)
class Constants:
    """The planner's constants as the server has them; `cache_pages` is effective_cache_size."""

    seq_page: float = 1.0
    random_page: float = 4.0
    cpu_tuple: float = 0.01
    cpu_index_tuple: float = 0.005
    cpu_operator: float = 0.0025
    cache_pages: float = 524_288.0
    block_bytes: int = 8192


@dataclass(frozen=True)
class Access:
    """One way to read a table: its cost in planner's units and the blocks it touches, for one call."""

    cost: Span
    blocks: Span
    index: IndexShape | None = None
    keys: int = 0


def whole(need: Need, constants: Constants) -> Access:
    """A sequential scan."""
    rows, pages = need.table.rows or 0.0, float(max(need.table.pages, 1))
    filters = max(1, len(need.terms) + len(need.refused))
    cost = pages * constants.seq_page + rows * (constants.cpu_tuple + filters * constants.cpu_operator)
    return Access(Span(cost, cost), Span(pages, pages))


def through(index: IndexShape, need: Need, constants: Constants, rows_per_call: float | None) -> Access | None:
    """By way of an index; None where it does not help. `rows_per_call`: what the statement returned on average."""
    found = match(index, need)
    if found is None:
        return None
    rows = max(need.table.rows or 0.0, 1.0)
    loops = driving_rows(need) if found.is_joined else Span(1.0, 1.0)
    walks = Span(loops.low, loops.high * LONGEST_LIST) if found.has_list else loops
    one = _share(need, found, rows_per_call).times(rows)
    if found.is_ordered:
        one = _until_limit(need, found, one, rows_per_call)
    fetched = Span(one.low * loops.low, one.high * loops.high)
    part = one.times(1 / rows).within(0.0, 1.0)
    pages = index.pages or index_bytes(index, need.table) / constants.block_bytes
    leaves = Span(loops.low * floor(part.low * pages), loops.high * ceil(part.high * pages))
    levels = GIN_DESCENT if index.method == "gin" else max(1, ceil(log(max(rows, 2), FANOUT)))
    heap_cost, heap_blocks = _heap(need.table, found, part, fetched, loops, constants)
    blocks = Span(
        walks.low * levels + leaves.low + heap_blocks.low, walks.high * (levels + 1) + leaves.high + heap_blocks.high
    )
    cpu = constants.cpu_index_tuple + constants.cpu_tuple + len(need.terms) * constants.cpu_operator
    descent = constants.cpu_operator * (log2(max(rows, 2)) + (levels + 1) * 50)
    cost = Span(
        walks.low * descent + leaves.low * constants.random_page + heap_cost.low + fetched.low * cpu,
        walks.high * (descent + constants.random_page)
        + leaves.high * constants.random_page
        + heap_cost.high
        + fetched.high * cpu,
    )
    return Access(cost, blocks, index, found.keys)


def index_bytes(index: IndexShape, table: Table) -> float:
    """What an index would weigh; a b-tree keeps equal keys together (deduplication) when each has several rows."""
    limits = [Term(column, kind) for column, kind in index.predicate]
    rows = (table.rows or 0.0) * together(limits, table).middle
    key = key_bytes(index.keys, table)
    if index.method == "gin":
        return max(8192.0, rows * (key + TID_BYTES) / 2)
    entry: float = HEADER_BYTES + key + POINTER_BYTES
    values = _distinct(index, table)
    if values is not None and rows / values > 3:
        entry = TID_BYTES + entry * max(values / max(rows, 1.0), 1 / 50)
    return max(8192.0, rows * entry / FILL)


def key_bytes(keys: tuple[Key, ...], table: Table) -> int:
    """The width of all keys, aligned."""
    widths = [stats.width if (stats := table.stats.get(key.column)) else UNKNOWN_WIDTH for key in keys]
    return -(-sum(widths) // ALIGNMENT) * ALIGNMENT


def heap_pages(pages: float, rows: float, cache_pages: float) -> float:
    """Mackert and Lohman: distinct pages that `rows` scattered rows of a table of `pages` pages are fetched from."""
    if rows <= 0:
        return 0.0
    fetched = 2 * pages * rows / (2 * pages + rows)
    if pages <= cache_pages:
        return min(fetched, pages)
    limit = 2 * pages * cache_pages / (2 * pages - cache_pages)
    return fetched if rows <= limit else cache_pages + (rows - limit) * (pages - cache_pages) / pages


def _distinct(index: IndexShape, table: Table) -> float | None:
    """Values of all keys together, at most as many as rows; None when one of them is unknown."""
    values = 1.0
    for key in index.keys:
        one = share(Term(key.column, "eq"), table)
        if key.column not in table.stats:
            return None
        values *= 1 / max(one.middle, 1e-9)
    return min(values, max(table.rows or 1.0, 1.0))


def _share(need: Need, found: Match, rows_per_call: float | None) -> Span:
    """The share of the table that one call, or one row that asks, finds.

    What statements returned says more than any statistics.
    """
    rows = max(need.table.rows or 0.0, 1.0)
    part = together((*found.terms, *found.implied), need.table)
    if rows_per_call is None or not need.is_whole:
        return part
    returned = min(1.0, rows_per_call / rows)
    if need.is_complete and {*need.terms} <= {*found.terms, *found.implied}:
        return MEASURED.times(returned).within(0.0, 1.0)
    return part.within(min(returned, part.high), 1.0)


def _until_limit(need: Need, found: Match, rows: Span, rows_per_call: float | None) -> Span:
    """With the order given, reading ends at the limit; conditions that the index does not answer make it longer."""
    answered = {*found.terms, *found.implied}
    rest = together([term for term in need.terms if term not in answered], need.table)
    wanted = MEASURED.times(max(rows_per_call, 1.0)) if rows_per_call is not None and need.is_alone else UNKNOWN_LIMIT
    if not need.is_complete:
        return Span(min(rows.low, wanted.low), rows.high)
    # What fits is not spread evenly along the order: it may begin late.
    late = wanted.high if rest.high >= 1.0 else UNEVEN * wanted.high / max(rest.low, 1e-6)
    return Span(min(rows.low, wanted.low), min(rows.high, late))


def _heap(
    table: Table, found: Match, part: Span, fetched: Span, loops: Span, constants: Constants
) -> tuple[Span, Span]:
    """Cost and blocks of fetching the rows. Blocks: at best rows that lie together, at worst one for each row."""
    pages = float(max(table.pages, 1))
    together_pages = Span(loops.low * ceil(part.low * pages), loops.high * ceil(part.high * pages))
    scattered = [min(heap_pages(pages, one, constants.cache_pages), one) for one in (fetched.low, fetched.high)]
    best = [
        0.0 if count <= 0 else constants.random_page + (count - 1) * constants.seq_page
        for count in (together_pages.low, together_pages.high)
    ]
    worst = [count * constants.random_page for count in scattered]
    known = _correlation(table, found)
    if known is None:
        cost = Span(min(best[0], worst[0]), max(best[1], worst[1]))
    else:
        cost = Span(*(worst[at] + known**2 * (best[at] - worst[at]) for at in (0, 1)))
    # More rows than pages are fetched by a bitmap, page by page, unless the order is wanted or another table asks.
    most = fetched.high if found.is_ordered or found.is_joined else min(fetched.high, pages)
    return cost, Span(min(together_pages.low, fetched.low), max(most, loops.low))


def _correlation(table: Table, found: Match) -> float | None:
    """Of the first key with its place in the table; three quarters of it for several keys, as the planner takes it."""
    if not found.terms:
        return None
    stats = table.stats.get(found.terms[0].column)
    if stats is None or stats.correlation is None or found.terms[0].function:
        return None
    return stats.correlation * (0.75 if len(found.terms) > 1 else 1.0)
