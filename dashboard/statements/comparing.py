"""Questions about two windows: what takes more time than before, what takes less, what is new and what is gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from dashboard.lists import ListPage, ListQuery, ListSpec
from dashboard.statements.comparison import FEWEST_CALLS, SENTENCES, Kind, Ratios, Side, change_ms, kind_of, ratios
from dashboard.statements.models import StatementFamily
from dashboard.statements.ranking import ranking, searched, stored_comparison
from dashboard.statements.sums import Asked, ask, rows_of
from dashboard.statements.texts import one_line
from dashboard.statements.windows import Evidence

HOUR = timedelta(hours=1)
USUAL = ("change", "desc", "both")
SHOWN = ("both", "slower", "faster", "new", "gone")
SPEC = ListSpec(
    sorts=(
        "change", "change_ms", "mean_ratio", "calls_ratio", "blocks_ratio", "rows_ratio", "before_total_ms",
        "after_total_ms",
    ),
    default_sort="change",
    default_window="1h",
    filters={"show": SHOWN, "base": ("before", "day", "week"), "base_from": None, "base_to": None},
    page_size=25,
)  # fmt: skip
COUNTED = {"calls": "calls", "total_ms": "total_ms", "rows": "rows", "blocks": "shared_hit + shared_read as blocks"}
BOTH = """
select family_id as id, {sums}
from (
    select false as is_after, first.* from ({before}) as first
    union all
    select true, second.* from ({after}) as second
) as part
group by family_id
"""
RANKED = """
select id, {rank} as place, after_total_ms as total_ms
from ({sums}) as sums
where {shown}
"""
FAMILIES = """
select f.text, f.first_seen_at, sums.*
from ({sums}) as sums
join statement_family as f
    on f.id = sums.id
where f.id = any(:families)
"""
CHANGE = "coalesce(after_total_ms, 0) - coalesce(before_total_ms, 0) * cast(:watched as float8)"
BOTH_RAN = "before_total_ms is not null and after_total_ms is not null"
SHOWN_AS = {
    "both": BOTH_RAN,
    "slower": f"{BOTH_RAN} and {CHANGE} > 0",
    "faster": f"{BOTH_RAN} and {CHANGE} < 0",
    "new": "before_total_ms is null and after_total_ms is not null",
    "gone": "before_total_ms is not null and after_total_ms is null",
}


def _ratio(name: str) -> str:
    """After divided by before, per call, where both windows hold enough calls."""
    per_call = "cast({0}_{1} as float8) / nullif({0}_calls, 0)"
    after, before = per_call.format("after", name), per_call.format("before", name)
    many = f"before_calls >= {FEWEST_CALLS} and after_calls >= {FEWEST_CALLS}"
    return f"case when {many} then {after} / nullif({before}, 0) end"


CALLS_RATIO = "cast(after_calls as float8) / nullif(before_calls * cast(:watched as float8), 0)"
RANKS: dict[str, tuple[tuple[str, ...], str]] = {
    "change": (("total_ms",), f"abs({CHANGE})"),
    "change_ms": (("total_ms",), CHANGE),
    "before_total_ms": (("total_ms",), "before_total_ms"),
    "after_total_ms": (("total_ms",), "after_total_ms"),
    "calls_ratio": (("total_ms", "calls"), CALLS_RATIO),
    "mean_ratio": (("total_ms", "calls"), _ratio("total_ms")),
    "blocks_ratio": (("total_ms", "calls", "blocks"), _ratio("blocks")),
    "rows_ratio": (("total_ms", "calls", "rows"), _ratio("rows")),
}


@dataclass(frozen=True)
class ComparedRow:
    """A family in two windows. `first_seen_at` tells a new one from one that only did not run in the first window."""

    id: int
    text: str
    first_seen_at: datetime
    before: Side | None
    after: Side | None

    @property
    def ratios(self) -> Ratios:
        if self.before is None or self.after is None:
            return Ratios(None, None, None, None)
        return ratios(self.before, self.after)

    @property
    def kind(self) -> Kind:
        return kind_of(self.ratios)

    @property
    def sentence(self) -> str:
        return SENTENCES[self.kind]

    @property
    def line(self) -> str:
        return one_line(self.text)

    @property
    def change_ms(self) -> float:
        nothing = Side(0, 0.0, 0, 0, 0.0)
        return change_ms(self.before or nothing, self.after or nothing)

    def json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"id": self.id, "text": self.text, "first_seen_at": self.first_seen_at}
        told |= {"change_ms": self.change_ms, "kind": self.kind if self.before and self.after else None}
        told |= {f"{name}_ratio": value for name, value in vars(self.ratios).items()}
        for name, side in (("before", self.before), ("after", self.after)):
            told |= {f"{name}_calls": side.calls if side else 0, f"{name}_total_ms": side.total_ms if side else 0.0}
            told |= {f"{name}_mean_ms": side.mean_ms if side else None}
            told |= {f"{name}_blocks_per_call": side.per_call(side.blocks) if side else None}
            told |= {f"{name}_rows_per_call": side.per_call(side.rows) if side else None}
        return told


def compared_families(target_id: int, before: Evidence, after: Evidence, query: ListQuery) -> ListPage[ComparedRow]:
    """Families of either window that fit search and filter, those whose time changed most first; none where one of the
    windows was not watched at all, because everything would seem new or gone.
    """
    if not (before.readings and after.readings):
        return ListPage([], 0, query, as_of=after.until)
    show = query.filters.get("show") or "both"
    ranked, asked = order_sql(target_id, before, after, query.sort, show)
    is_usual = (query.sort, query.dir, show) == USUAL and after.end - after.start == before.end - before.start == HOUR
    is_newest = before.end == after.start and after.end == after.until
    usual = partial(stored_comparison, target_id, before, after) if is_usual and is_newest else None
    found = ranking(ranked, asked, query.dir, usual)
    families = searched(target_id, found.families, query, after.until)
    rows = _compared(target_id, list(families[query.offset : query.offset + query.limit]), before, after)
    return ListPage(rows, len(families), query, as_of=after.until)


def order_sql(target_id: int, before: Evidence, after: Evidence, sort: str, show: str) -> tuple[str, Asked]:
    """SQL of `id`, `place` and `total_ms` of the families in two windows, and what it is asked with."""
    columns, rank = RANKS[sort]
    sums, asked = _sums(target_id, before, after, columns)
    watched = after.covered_ms / before.covered_ms if before.covered_ms else 0.0
    return RANKED.format(sums=sums, rank=rank, shown=SHOWN_AS[show]), asked | {"watched": watched}


def compared_family(target_id: int, family: StatementFamily, before: Evidence, after: Evidence) -> ComparedRow:
    """One family in both windows."""
    found = _compared(target_id, [family.id], before, after)
    return found[0] if found else ComparedRow(family.id, family.text, family.first_seen_at, None, None)


def _compared(target_id: int, families: list[int], before: Evidence, after: Evidence) -> list[ComparedRow]:
    """These families in both windows, in their order."""
    if not families:
        return []
    sums, asked = _sums(target_id, before, after, tuple(COUNTED), chosen=True)
    found = ask(FAMILIES.format(sums=sums), asked | {"families": families})
    told = {row.id: _row(row, before, after) for row in found}
    return [told[family_id] for family_id in families if family_id in told]


def _sums(
    target_id: int, before: Evidence, after: Evidence, names: tuple[str, ...], *, chosen: bool = False
) -> tuple[str, Asked]:
    """SQL of what each family added in the windows, `before_…` and `after_…` by name: null where it did not run."""
    columns = [COUNTED[name] for name in names]
    first, asked = rows_of(target_id, before, columns, chosen=chosen, side="before_")
    second, more = rows_of(target_id, after, columns, chosen=chosen, side="after_")
    sides = (("before", "not is_after"), ("after", "is_after"))
    sums = ", ".join(f"sum({name}) filter (where {side}) as {label}_{name}" for label, side in sides for name in names)
    return BOTH.format(sums=sums, before=first, after=second), asked | more


def _row(row: Any, before: Evidence, after: Evidence) -> ComparedRow:
    return ComparedRow(row.id, row.text, row.first_seen_at, _side(row, "before", before), _side(row, "after", after))


def _side(row: Any, name: str, known: Evidence) -> Side | None:
    calls, total_ms, rows, blocks = (getattr(row, f"{name}_{counted}") for counted in COUNTED)
    return None if calls is None else Side(int(calls), total_ms, int(rows), int(blocks), known.covered_ms)
