"""Questions to the stored statements: which families a window holds, and what one of them did."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import func, select

from dashboard.errors import NotFound
from dashboard.lists import ListPage, ListQuery, ListSpec
from dashboard.names import decode
from dashboard.statements.latency import Latency, latency
from dashboard.statements.models import (
    StatementEntry,
    StatementFamily,
    StatementIdentity,
)
from dashboard.statements.ranking import Ranking, ranking, searched, stored
from dashboard.statements.sums import IO_MS, MAX_BOUND_MS, Asked, all_sums, ask, rows_of, rows_since
from dashboard.statements.texts import one_line
from dashboard.statements.touching import families_touching
from dashboard.statements.windows import Evidence
from dashboard.store import db

SPEC = ListSpec(
    sorts=(
        "total_ms", "mean_ms", "stddev_ms", "calls", "rows", "share", "blocks", "blocks_per_call", "temp_blocks",
        "wal_bytes", "io_ms", "max_bound_ms", "text", "id",
    ),
    default_sort="total_ms",
    default_window="1h",
    filters={"table": None},
    page_size=40,
)  # fmt: skip

WHOLE = ("calls", "rows", "blocks", "shared_hit", "shared_read", "temp_blocks", "wal_bytes")
CALLS = "nullif(sum(cast(calls as float8)), 0)"
STDDEV = f"sqrt(greatest(sum(squares_ms2) / {CALLS} - (sum(total_ms) / {CALLS}) ^ 2, 0))"
BLOCKS = "shared_hit + shared_read as blocks"
RANKS: dict[str, tuple[tuple[str, ...], str]] = {
    "mean_ms": (("total_ms", "calls"), f"sum(total_ms) / {CALLS}"),
    "stddev_ms": (("total_ms", "calls", "squares_ms2"), STDDEV),
    "blocks": (("total_ms", BLOCKS), "sum(blocks)"),
    "blocks_per_call": (("total_ms", "calls", BLOCKS), f"sum(blocks) / {CALLS}"),
    "io_ms": (("total_ms", "io_ms"), IO_MS),
    "max_bound_ms": (("total_ms", "max_bound_ms"), MAX_BOUND_MS),
    "id": (("total_ms",), "family_id"),
    **{name: (("total_ms", name), f"sum({name})") for name in ("calls", "rows", "temp_blocks", "wal_bytes")},
}
NO_RANK = (("total_ms",), "sum(total_ms)")
RANKED = """
select family_id as id, {rank} as place, sum(total_ms) as total_ms{more}
from ({rows}) as part
group by family_id
"""
BY_TEXT = """
select id, text as place, sums.total_ms
from (select family_id as id, sum(total_ms) as total_ms from ({rows}) as part group by family_id) as sums
join statement_family using (id)
"""
FAMILIES = """
select
    f.id, f.text, calls, total_ms, total_ms / nullif(calls, 0) as mean_ms,
    sqrt(greatest(squares_ms2 / nullif(calls, 0) - (total_ms / nullif(calls, 0)) ^ 2, 0)) as stddev_ms,
    rows, total_ms / nullif(cast(:everything as float8), 0) as share, shared_hit + shared_read as blocks,
    shared_hit, shared_read, temp_blocks, wal_bytes, io_ms, max_ms, max_bound_ms, first_seen_at,
    greatest(
        last_seen_at, (select max(changed_at) from statement_entry as e where e.family_id = f.id)
    ) as last_seen_at
from ({sums}) as sums
join statement_family as f
    on f.id = sums.family_id
where f.id = any(:families)
"""
SLOWEST = """
with slow as materialized (
    select target_id, family_id, sum(calls) as calls, sum(total_ms) as total_ms
    from ({rows}) as part
    group by target_id, family_id
    having {having}
    order by sum(total_ms) desc, family_id
    limit :limit
)
select f.id, slow.target_id, left(f.text, 1000) as text, slow.calls, slow.total_ms
from slow
join statement_family as f
    on f.id = slow.family_id
order by slow.total_ms desc, f.id
"""


@dataclass(frozen=True)
class StatementRow:
    """A family in a window. `share` is its part of the time of all visible statements; `io_ms` None: not timed."""

    id: int
    text: str
    calls: int
    total_ms: float
    mean_ms: float | None
    stddev_ms: float | None
    rows: int
    share: float | None
    blocks: int
    blocks_per_call: float | None
    shared_hit: int
    shared_read: int
    temp_blocks: int
    wal_bytes: int
    io_ms: float | None
    max_ms: float | None
    max_bound_ms: float | None
    first_seen_at: datetime
    last_seen_at: datetime

    @property
    def latency(self) -> Latency | None:
        squares_ms2 = ((self.stddev_ms or 0.0) ** 2 + (self.mean_ms or 0.0) ** 2) * self.calls
        return latency(self.calls, self.total_ms, squares_ms2, self.max_ms, self.max_bound_ms)

    @property
    def line(self) -> str:
        return one_line(self.text)


@dataclass(frozen=True)
class IdentityRow:
    """An id of a family on a server: who runs it there, since when it is valid and until when it was."""

    queryid: int
    username: str
    toplevel: bool
    system: str
    major: int
    valid_from: datetime
    valid_until: datetime | None


@dataclass(frozen=True)
class SlowestRow:
    """A family as overviews tell it."""

    id: int
    target_id: int
    text: str
    calls: int
    total_ms: float
    mean_ms: float


def statements_of_window(target_id: int, known: Evidence, query: ListQuery) -> ListPage[StatementRow]:
    """The families that did something in the window, in the order that was asked for. Raises NotFound."""
    ranked = _ranked(target_id, known, query.sort, query.dir)
    families = searched(target_id, ranked.families, query, known.until)
    if address := query.filters.get("table"):
        named = families_touching(target_id, *decode(address))
        families = [family_id for family_id in families if family_id in named]
    shown = families[query.offset : query.offset + query.limit]
    rows = _told(target_id, known, list(shown), ranked.everything)
    return ListPage(rows, len(families), query, as_of=known.until)


def statement_in_window(target_id: int, family_id: int, known: Evidence) -> StatementRow | None:
    """One family in a window; None when it did nothing there."""
    everything = _ranked(target_id, known, SPEC.default_sort, "desc").everything
    return next(iter(_told(target_id, known, [family_id], everything)), None)


def family_of(target_id: int, family_id: int) -> StatementFamily:
    """Raises NotFound."""
    found = select(StatementFamily).where(StatementFamily.target_id == target_id, StatementFamily.id == family_id)
    family = db.session.scalar(found)
    if family is None:
        raise NotFound(
            "There is no query of this number on this target; it may have been forgotten long after its use."
        )
    return family


def last_seen(family: StatementFamily) -> datetime:
    """When it did something last, to the minute."""
    newest = select(func.max(StatementEntry.changed_at)).where(StatementEntry.family_id == family.id)
    return max(family.last_seen_at, db.session.scalar(newest) or family.last_seen_at)


def known_as(target_id: int, family_id: int, limit: int = 20) -> list[IdentityRow]:
    """The ids under which servers know or knew a family, those that are valid first, then the newest."""
    fields = [getattr(StatementIdentity, name) for name in IdentityRow.__dataclass_fields__]
    identity = StatementIdentity
    found = select(*fields).where(identity.target_id == target_id, identity.family_id == family_id)
    order = (identity.valid_until.desc().nulls_first(), identity.valid_from.desc(), identity.queryid)
    return [IdentityRow(*row) for row in db.session.execute(found.order_by(*order).limit(limit))]


def slowest_families(since: datetime, limit: int, target_id: int | None = None) -> list[SlowestRow]:
    """The families that took the most time since then, of one target or of all."""
    rows, asked = rows_since(since, target_id)
    return slowest(rows, asked | {"limit": limit})


def slowest(rows: str, asked: Asked, having: str = "true") -> list[SlowestRow]:
    """What these rows add up to, the most total time first: `:limit` families."""
    sql = SLOWEST.format(rows=rows, having=having)
    return [
        SlowestRow(family_id, target_id, one_line(text), int(calls), total, total / int(calls))
        for family_id, target_id, text, calls, total in ask(sql, asked)
    ]


def order_sql(target_id: int, known: Evidence, sort: str, also: tuple[str, ...] = ()) -> tuple[str, Asked]:
    """SQL of `id`, `place` and `total_ms` of the families of a window, and of the sums `also` asked for."""
    columns, rank = RANKS.get(sort, NO_RANK)
    rows, asked = rows_of(target_id, known, (*columns, *also))
    more = "".join(f", cast(sum({name}) as bigint) as {name}" for name in also)
    return (BY_TEXT if sort == "text" else RANKED).format(rank=rank, rows=rows, more=more), asked


def _ranked(target_id: int, known: Evidence, sort: str, way: str) -> Ranking:
    ranked, asked = order_sql(target_id, known, sort)
    usual = partial(stored, target_id, known) if (sort, way) == (SPEC.default_sort, "desc") else None
    return ranking(ranked, asked, way, usual)


def _told(target_id: int, known: Evidence, families: list[int], everything: float | None) -> list[StatementRow]:
    """What these families did in the window, in their order; `everything` is the time that they have shares of."""
    if not families:
        return []
    rows, asked = rows_of(target_id, known, chosen=True)
    found = ask(FAMILIES.format(sums=all_sums(rows)), asked | {"families": families, "everything": everything})
    told = {row.id: _row(row) for row in found}
    return [told[family_id] for family_id in families if family_id in told]


def _row(row: Any) -> StatementRow:
    fields = dict(row._mapping)  # noqa: SLF001 - from a row to its fields
    fields |= {name: int(fields[name]) for name in WHOLE}
    per_call = fields["blocks"] / fields["calls"] if fields["calls"] else None
    return StatementRow(**fields, blocks_per_call=per_call)
