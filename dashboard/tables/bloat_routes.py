"""The part of a table's page that tells its bloat, and measuring it exactly on demand."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.names import decode, encode
from dashboard.security import audit
from dashboard.security.authors import current_author
from dashboard.security.guards import requires
from dashboard.security.throttle import TooMany
from dashboard.store import db
from dashboard.tables import bloat_edits, bloat_queries, queries
from dashboard.tables.bloat_measure import Measurement, measure
from dashboard.tables.models import TableState
from dashboard.targets.connect import TargetRefused, TargetUnreachable, address_of
from dashboard.targets.limiter import PerMinute
from dashboard.targets.models import Target
from dashboard.targets.queries import target_by_slug

blueprint = Blueprint("bloat", __name__)
MEASUREMENTS = PerMinute(10)


@blueprint.post("/t/<slug>/tables/<address>/measure")
@requires("operator")
def measure_now(slug: str, address: str) -> Response:
    target = target_by_slug(slug)
    table = queries.table_named(target.id, *decode(address))
    oid, name, kind = _chosen(table)
    if wait_s := MEASUREMENTS.wait_s():
        raise TooMany(wait_s)
    failure = None
    try:
        where = address_of(target)
        db.session.commit()  # nobody waits for a place in the store while the target is read
        _keep(target, table, oid, name, kind, measure(where, oid, kind))
        db.session.commit()
    except (TargetRefused, TargetUnreachable) as refused:
        failure = refused
    context = bloat_queries.shown(target.id, table) | {"target": target, "table": table, "failure": failure}
    if failure is not None and not web.is_partial():
        return web.page("tables/measured.html", section="tables", **context)
    location = url_for("tables.table", slug=slug, address=address)
    return web.written("tables/_bloat.html", f"{location}#bloat", **context)


def _chosen(table: TableState) -> tuple[int, str, str]:
    """The table itself, its TOAST, or one of its b-trees. Raises Invalid."""
    if table.kind == "p":
        raise Invalid({"oid": "A partitioned table stores nothing itself: measure its partitions."})
    sent = request.form.get("oid", str(table.oid))
    if sent == str(table.oid):
        return table.oid, table.name, "table"
    for index in queries.indexes_of(table):
        if sent == str(index.oid) and index.method == "btree":
            return index.oid, index.name, "index"
    toast = bloat_queries.toast_of(bloat_queries.bloat_of(table.target_id, table.oid))
    if toast is not None and sent == str(toast.oid):
        return toast.oid, f"{table.name} (TOAST)", "toast"
    raise Invalid({"oid": "What is measured is the table, its TOAST or one of its b-trees."})


def _keep(target: Target, table: TableState, oid: int, name: str, kind: str, found: Measurement) -> None:
    author, now = current_author(), datetime.now(UTC)
    bloat_edits.keep_measurement(
        target.id, bloat_edits.bare(oid, table.oid, kind, found.size_bytes), found.free_bytes, found.share, author, now
    )
    after: dict[str, Any] = {"kind": kind, "free_bytes": found.free_bytes, "size_bytes": found.size_bytes}
    audit.record("bloat.measure", f"{target.slug}/{encode(table.schema, name)}", after=after)
