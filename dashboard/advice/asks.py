"""A family of statements → what it asks of tables that an index could make cheaper, or why there is nothing (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.advice.costs import Access, Constants, through, whole
from dashboard.advice.matching import LIKES
from dashboard.advice.resolve import Catalog, needs
from dashboard.advice.scans import Scan
from dashboard.advice.selectivity import Span
from dashboard.advice.shapes import Need, Statement, Table, Unread

SMALL_ROWS, SMALL_PAGES = 10_000, 1_280
FEW_CALLS, LITTLE_MS = 5, 10_000.0
CHEAP_BLOCKS = 32
WHOLE_PART = 0.5


@dataclass(frozen=True)
class Family:
    """A family in the window. `blocks` are those of shared buffers; `scans` None: no plan of it is stored."""

    id: int
    calls: int
    total_ms: float
    rows: int
    blocks: int
    statement: Statement | Unread
    scans: tuple[Scan, ...] | None = None

    @property
    def rows_per_call(self) -> float | None:
        return self.rows / self.calls if self.calls else None

    @property
    def blocks_per_call(self) -> float:
        return self.blocks / self.calls if self.calls else 0.0


@dataclass(frozen=True)
class Ask:
    """One need of one family. `before` is how it is read now; `time_share` the part of its time that this takes.

    `served` is the best way over an index that is there. When all of the table was read all the same, that index may
    be younger than the calls of the window.
    """

    family: Family
    need: Need
    before: Access
    blocks: Span
    time_share: Span
    served: Access | None = None

    @property
    def reads_all(self) -> bool:
        return self.before.index is None


def asks_of(family: Family, catalog: Catalog, constants: Constants) -> tuple[list[Ask], Unread | None]:
    """What could be made cheaper; without any of it the reason."""
    statement = family.statement
    if isinstance(statement, Unread):
        return [], statement
    if statement.verb == "insert" and not statement.blocks:
        return [], Unread("only_writes", "It only inserts: no index makes that cheaper.")
    if family.calls < FEW_CALLS and family.total_ms < LITTLE_MS:
        return [], Unread("few_calls", f"It was called {_times(family.calls)} in the window and took little time.")
    found, problems = needs(statement, catalog, family.scans or ())
    asks: list[Ask] = []
    for need in found:
        one = _ask(family, need, constants)
        if isinstance(one, Ask):
            asks.append(one)
        else:
            problems.append(one)
    return asks, None if asks else _weightiest(problems)


def small(table: Table) -> bool:
    return (table.rows or 0) < SMALL_ROWS and table.pages < SMALL_PAGES


def pattern_problem(need: Need, *, has_trigrams: bool) -> Unread | None:
    """Why a LIKE gives nothing."""
    term = next((one for one in need.terms if one.kind in LIKES), None)
    if term is None or has_trigrams:
        return None
    sentence = (
        f"It searches {term.column} by a pattern, which pg_stat_statements does not tell: only a trigram index "
        "answers every pattern, and the extension pg_trgm is not installed."
    )
    return Unread("pattern", sentence)


def _ask(family: Family, need: Need, constants: Constants) -> Ask | Unread:
    table, blocks = need.table, family.blocks_per_call
    if (nothing := _nothing_to_ask(need, blocks)) is not None:
        return nothing
    scan = _scan(family.scans, table)
    served = _served(need, constants, family.rows_per_call)
    reads_all = blocks >= WHOLE_PART * max(table.pages, 1)
    if scan is not None and scan.index is not None and not (need.is_alone and reads_all):
        return Unread("plan_uses_index", f"Its plan reads {table.label} by the index {scan.index} already.")
    if not reads_all and (served is None or not need.is_alone):
        return _elsewhere(table, blocks, served)
    before = whole(need, constants) if reads_all or served is None else served
    share = Span(1.0, 1.0) if need.is_alone else _time_share(scan, table, blocks)
    measured = Span(blocks, blocks) if need.is_alone else Span(float(max(table.pages, 1)), blocks)
    return Ask(family, need, before, measured, share, served)


def _nothing_to_ask(need: Need, blocks: float) -> Unread | None:
    table = need.table
    if small(table):
        return Unread("small_table", f"{table.label} is small: reading all of it is as fast as any index.")
    if not need.terms and not (need.order and need.has_limit):
        if need.refused:
            return Unread("expression", need.refused[0])
        return Unread("no_condition", f"It asks {table.label} for rows without a condition that an index answers.")
    if blocks < CHEAP_BLOCKS:
        return Unread("cheap", f"It touches {_said(blocks)} blocks a call: there is nothing to save.")
    return None


def _elsewhere(table: Table, blocks: float, served: Access | None) -> Unread:
    if served is not None and served.index is not None:
        return Unread("already_indexed", f"The index {served.index.name} on {table.label} answers it already.")
    sentence = (
        f"It touches {_said(blocks)} blocks a call, {table.label} has {_said(table.pages)}: it is not read whole."
    )
    return Unread("not_read_whole", sentence)


def _served(need: Need, constants: Constants, rows_per_call: float | None) -> Access | None:
    """The cheapest way over the indexes that are there, if it beats reading everything."""
    found = [through(index, need, constants, rows_per_call) for index in need.table.indexes]
    ways = [way for way in found if way is not None]
    best = min(ways, key=lambda way: way.cost.middle, default=None)
    return best if best is not None and best.cost.middle < whole(need, constants).cost.middle else None


def _scan(scans: Sequence[Scan] | None, table: Table) -> Scan | None:
    """How the plan reads this table; where it does so twice, the dearer one."""
    found = [scan for scan in scans or () if scan.table == table.name and scan.schema in {None, table.schema}]
    return max(found, key=lambda scan: scan.cost_share, default=None)


def _time_share(scan: Scan | None, table: Table, blocks: float) -> Span:
    """By the plan's costs, else by blocks: a table read whole once makes up its pages of the blocks of a call."""
    if scan is not None:
        return Span(0.5, 1.5).times(scan.cost_share).within(0.0, 1.0)
    part = min(1.0, table.pages / blocks)
    return Span(part / 2, 1.0)


ORDER = (
    "expression", "pattern", "already_indexed", "plan_uses_index", "not_read_whole", "not_selective", "no_condition",
    "cheap", "ambiguous", "unknown_table", "view", "small_table", "catalog",
)  # fmt: skip


def _weightiest(problems: Sequence[Unread]) -> Unread:
    """One reason for a family that has several."""
    if not problems:
        return Unread("no_table", "It reads no table.")
    return min(problems, key=lambda one: ORDER.index(one.code) if one.code in ORDER else len(ORDER))


def _said(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _times(calls: int) -> str:
    return "once" if calls == 1 else f"{calls} times"
