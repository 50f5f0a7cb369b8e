"""Questions about two windows: what takes more time than before, what takes less, what is new and what is gone."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Float, Select, case, cast, func, literal, select

from dashboard.lists import ListPage, ListQuery, ListSpec
from dashboard.statements.comparison import FEWEST_CALLS, SENTENCES, Kind, Ratios, Side, change_ms, kind_of, ratios
from dashboard.statements.models import StatementFamily
from dashboard.statements.sums import sums_of
from dashboard.statements.texts import one_line
from dashboard.statements.windows import Evidence
from dashboard.store import db

SHOWN = ("both", "slower", "faster", "new", "gone")
SPEC = ListSpec(
    sorts=(
        "change", "change_ms", "mean_ratio", "calls_ratio", "blocks_ratio", "rows_ratio", "before_total_ms",
        "after_total_ms",
    ),
    default_sort="change",
    default_window="1h",
    filters={"show": SHOWN, "base": ("before", "day", "week"), "base_from": None, "base_to": None},
)  # fmt: skip
COUNTED = ("calls", "total_ms", "rows", "blocks")


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
    """Families of either window that fit search and filter, those whose time changed most first."""
    found = _shown(_compared(target_id, before, after), query.filters.get("show"))
    if query.q:
        found = found.where(StatementFamily.text.ilike(query.like(), escape="\\"))
    column = found.selected_columns[query.sort]
    order = (column.desc() if query.descending else column.asc()).nulls_last()
    ranked = found.add_columns(func.count().over().label("total")).order_by(order, StatementFamily.id)
    rows = db.session.execute(ranked.limit(query.limit).offset(query.offset)).all()
    total = rows[0].total if rows else 0
    return ListPage([_row(row, before, after) for row in rows], total, query, as_of=after.until)


def compared_family(target_id: int, family: StatementFamily, before: Evidence, after: Evidence) -> ComparedRow:
    """One family in both windows."""
    row = db.session.execute(_compared(target_id, before, after).where(StatementFamily.id == family.id)).one_or_none()
    return _row(row, before, after) if row else ComparedRow(family.id, family.text, family.first_seen_at, None, None)


def _compared(target_id: int, before: Evidence, after: Evidence, family_id: int | None = None) -> Select[Any]:
    """Both windows beside each other; the names are those that the list sorts by."""
    first, second = sums_of(target_id, before, family_id), sums_of(target_id, after, family_id)
    watched = literal(after.covered_ms / before.covered_ms if before.covered_ms else 0.0, Float)
    expected = func.coalesce(first.c.total_ms, 0) * watched
    change = func.coalesce(second.c.total_ms, 0) - expected
    many = (first.c.calls >= FEWEST_CALLS) & (second.c.calls >= FEWEST_CALLS)
    return (
        select(
            StatementFamily.id,
            StatementFamily.text,
            StatementFamily.first_seen_at,
            *_sides("before", first),
            *_sides("after", second),
            change.label("change_ms"),
            func.abs(change).label("change"),
            (cast(second.c.calls, Float) / func.nullif(first.c.calls * watched, 0)).label("calls_ratio"),
            *(
                case((many, _per_call(second, name) / func.nullif(_per_call(first, name), 0))).label(f"{label}_ratio")
                for label, name in (("mean", "total_ms"), ("blocks", "blocks"), ("rows", "rows"))
            ),
        )
        .select_from(first.join(second, first.c.family_id == second.c.family_id, full=True))
        .join(StatementFamily, StatementFamily.id == func.coalesce(first.c.family_id, second.c.family_id))
    )


def _shown(found: Select[Any], show: str | None) -> Select[Any]:
    columns = found.selected_columns
    is_before, is_after = columns.before_calls.is_not(None), columns.after_calls.is_not(None)
    wanted = {
        "new": ~is_before & is_after,
        "gone": is_before & ~is_after,
        "slower": is_before & is_after & (columns.change_ms > 0),
        "faster": is_before & is_after & (columns.change_ms < 0),
    }
    return found.where(wanted.get(show or "", is_before & is_after))


def _value(sums: Any, name: str) -> Any:
    return sums.c.shared_hit + sums.c.shared_read if name == "blocks" else sums.c[name]


def _per_call(sums: Any, name: str) -> Any:
    return cast(_value(sums, name), Float) / func.nullif(sums.c.calls, 0)


def _sides(side: str, sums: Any) -> list[Any]:
    return [_value(sums, name).label(f"{side}_{name}") for name in COUNTED]


def _row(row: Any, before: Evidence, after: Evidence) -> ComparedRow:
    return ComparedRow(row.id, row.text, row.first_seen_at, _side(row, "before", before), _side(row, "after", after))


def _side(row: Any, name: str, known: Evidence) -> Side | None:
    calls, total_ms, rows, blocks = (getattr(row, f"{name}_{counted}") for counted in COUNTED)
    return None if calls is None else Side(int(calls), total_ms, int(rows), int(blocks), known.covered_ms)
