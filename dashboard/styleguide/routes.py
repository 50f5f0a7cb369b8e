"""GET /styleguide: every component, full, empty and broken."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request

from dashboard import web
from dashboard.charts import Point
from dashboard.lists import ListPage, ListSpec, parse_list
from dashboard.security.guards import requires

SPEC = ListSpec(
    sorts=("name", "total_bytes", "growth_bytes", "rows"),
    default_sort="total_bytes",
    default_window="24h",
    filters={"kind": ("table", "partitioned")},
)
HOSTILE = (
    "\"><script>alert('x')</script> {{ 7*7 }} \N{RIGHT-TO-LEFT OVERRIDE}drawkcab\N{POP DIRECTIONAL FORMATTING} 名前"
)
EXAMPLE_SQL = """\
-- the families of one shop, newest first
select o.id, o.total_cents::numeric / 100 as total, count(i.id) as items
from orders o join order_items i on i.order_id = o.id
where o.customer_id = $1 and o.state in ('paid', 'sent') and o.created_at > now() - interval '30 days'
group by o.id order by o.created_at desc limit 50"""

blueprint = Blueprint("styleguide", __name__)


@dataclass(frozen=True)
class Example:
    """A row of the example list."""

    name: str
    total_bytes: int | None
    growth_bytes: int | None
    rows: int | None
    state: str
    history: tuple[float | None, ...]


@dataclass(frozen=True)
class Place:
    name: str
    color: str
    is_production: bool


@dataclass(frozen=True)
class Probe:
    """What probe_note reads of a stored state."""

    probe: str
    state: str
    reason: str | None
    remedy_sql: str | None
    as_of: datetime | None


@blueprint.get("/styleguide")
@requires("viewer")
def styleguide() -> Response:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    query = parse_list(SPEC)
    return web.page(
        "styleguide/styleguide.html",
        section="styleguide",
        query=query,
        found=ListPage(EXAMPLES, 1234, query, now),
        hostile=HOSTILE,
        sql=EXAMPLE_SQL,
        at=now - timedelta(minutes=12),
        url=request.path,
        **_places(now),
        **_curves(now),
    )


def _places(now: datetime) -> dict[str, Any]:
    names = ("development", "staging", "production", "preview", "canary", "load test", "archive", "partner")
    colors = ("green", "amber", "red", "blue", "violet", "teal", "grey", "pink")
    probe = Probe("tables", "ok", None, None, now - timedelta(seconds=40))
    grant = "grant pg_monitor to pilothouse_watch;"
    return {
        "places": [Place(name, color, name == "production") for name, color in zip(names, colors, strict=True)],
        "probe": probe,
        "late": Probe("tables", "ok", None, None, now - timedelta(hours=3)),
        "partial": Probe("tables", "partial", "2 of 41 tables are locked by others.", None, now),
        "refused": Probe("statements", "unavailable", "The role may not read the statements of others.", grant, now),
    }


def _curves(now: datetime) -> dict[str, Any]:
    minutes = [now - timedelta(minutes=minute) for minute in range(720, -1, -1)]
    before: list[Point] = [(at, 6 + 2.5 * math.sin(i / 60) + (i * 7919 % 13) / 9) for i, at in enumerate(minutes)]
    slower: list[Point] = [
        (at, None if 250 < i < 300 else 12 + 4 * math.sin(i / 45) + (i * 104729 % 17) / 6 + (22 if i > 520 else 0))
        for i, at in enumerate(minutes)
    ]
    growth: list[Point] = [(at, 3.1e9 + i * 4e5) for i, at in enumerate(minutes)]
    return {
        "before": before,
        "slower": slower,
        "growth": growth,
        "gap": [(minutes[250], minutes[300])],
        "marks": [
            {"at": minutes[180], "title": "orders_state_idx was built", "kind": "index", "href": "#charts"},
            {"at": minutes[516], "title": "checkout.v2 went to 25 %, by alice", "kind": "flag", "href": "#charts"},
            {"at": minutes[640], "title": "work_mem 4 MB → 64 MB", "kind": "setting", "href": None},
        ],
    }  # fmt: skip


def _wave(step: int, *, missing: bool = False) -> tuple[float | None, ...]:
    return tuple(None if missing and 9 < i < 14 else 50 + 30 * math.sin(i / step) + i * 1.5 for i in range(32))


EXAMPLES = (
    Example("public.order_items", 48_318_382_080, 912_680_550, 412_000_123, "growing", _wave(3)),
    Example("public.orders", 9_126_805_504, 12_582_912, 31_200_450, "fine", _wave(5)),
    Example("audit.events_2026_11", 2_147_483_648, 734_003_200, 18_400_000, "locked", _wave(4, missing=True)),
    Example(HOSTILE, 8192, 0, 0, "fine", (1.0, 1.0, 1.0)),
    Example("legacy.sessions", None, None, None, "unknown", ()),
)
