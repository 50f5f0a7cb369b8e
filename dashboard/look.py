"""What templates may use: formats as filters, the nonce, assets, charts, preferences; and tags of polled parts."""

import hashlib
import re
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, request, url_for
from sqlalchemy import Row, select

from dashboard import charts, formats, sqltext
from dashboard.alerts.queries import firing_count
from dashboard.approvals.queries import open_count
from dashboard.palette.routes import blueprint as palette
from dashboard.preferences import blueprint as preferences
from dashboard.preferences import preference
from dashboard.security.headers import nonce
from dashboard.store import db
from dashboard.styleguide.routes import blueprint as styleguide
from dashboard.targets.models import Environment, Target
from dashboard.web import is_partial, request_id

YEAR_S = 31_536_000
NAV_TARGETS = (
    select(Target.slug, Target.name, Environment.name.label("environment"), Environment.color)
    .join(Environment, Target.environment_id == Environment.id)
    .order_by(Environment.position, Target.name, Target.slug)
    .limit(50)
)
_AGO = re.compile(rb"(<time\b[^>]*\bdata-ago\b[^>]*>)[^<]*")
_LIVE = re.compile(rb"<time\b[^>]*\bdata-live\b[^>]*>[^<]*")
_TOKEN = re.compile(rb'(name="csrf_token" value=")[^"]*')


WORDS = {
    "bytes": formats.bytes_text,
    "count": formats.count_text,
    "ms": formats.ms_text,
    "percent": formats.percent_text,
    "duration": formats.duration_text,
    "utc": formats.utc_text,
    "window": formats.window_text,
    "visible": formats.visible,
}


def init_app(app: Flask) -> None:
    """Filters, globals, the pages of the look, and the headers that spare work."""
    app.jinja_env.filters |= WORDS | {
        "ago": lambda at: formats.ago_text(at, now()),
        "moment": moment_text,
        "exact": exact,
        "same_site_path": same_site_path,
        "epoch_ms": lambda at: int(at.timestamp() * 1000),
        "idref": lambda text: hashlib.sha256(text.encode()).hexdigest()[:8],
        "sql_tokens": sqltext.tokens,
        "thin": charts.thin,
    }
    app.jinja_env.globals |= {
        "nonce": nonce,
        "now": now,
        "asset": asset,
        "charts": charts,
        "preference": preference,
        "is_partial": is_partial,
        "nav_targets": nav_targets,
        "waiting": waiting,
        "timedelta_s": _seconds,
        "request_id": request_id,
    }
    for blueprint in (preferences, palette, styleguide):
        app.register_blueprint(blueprint)
    app.after_request(_tag)
    app.after_request(_keep)


def now() -> datetime:
    """One moment for the whole response, so that ages on a page agree."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    moment: datetime = g.now
    return moment


def waiting() -> Row[int, int]:
    """Alerts that are `firing`, and requests and reviews that are `open`: asked once for the whole response."""
    if "waiting" not in g:
        firing = firing_count().scalar_subquery().label("firing")
        g.waiting = db.session.execute(select(firing, open_count().scalar_subquery().label("open"))).one()
    found: Row[int, int] = g.waiting
    return found


@lru_cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep it for a year."""
    content = (Path(__file__).parent.parent / "static" / name).read_bytes()
    return url_for("static", filename=name, v=hashlib.sha256(content).hexdigest()[:12])


def nav_targets() -> list[Row[Any]]:
    """The targets of the switcher, by environment; asked once for the whole response."""
    if "nav_targets" not in g:
        g.nav_targets = list(db.session.execute(NAV_TARGETS))
    found: list[Row[Any]] = g.nav_targets
    return found


def exact(value: float) -> str:
    """The exact number for titles: 1 234 567, 0.0421."""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.6f}".rstrip("0").rstrip(".")
    return text.replace(",", "\N{NARROW NO-BREAK SPACE}")


def moment_text(at: datetime) -> str:
    """2026-11-21 06:13:42, in UTC; the zone is printed beside it."""
    return at.astimezone(UTC).isoformat(" ")[:19]


def same_site_path(url: str) -> str:
    """The path and query of an address that a header carried: a link made of it stays on this site."""
    parts = urlsplit(url)
    path = "/" + parts.path.lstrip("/\\")
    return f"{path}?{parts.query}" if parts.query else path


def _seconds(later: datetime, earlier: datetime) -> float:
    return (later - earlier).total_seconds()


def _tag(response: Response) -> Response:
    """A polled part that did not change is 304: the page is left alone. Nonce, tokens and ages do not count."""
    if request.method != "GET" or not is_partial() or response.status_code != 200 or response.is_streamed:
        return response
    if response.mimetype != "text/html":
        return response
    body = _TOKEN.sub(rb"\1", _LIVE.sub(b"", _AGO.sub(rb"\1", response.get_data())))
    tag = hashlib.sha256(body.replace(nonce().encode(), b"")).hexdigest()[:32]
    response.headers["HX-PTag"] = tag
    if request.headers.get("HX-PTag") == tag:
        response.status_code = 304
        response.set_data(b"")
    return response


def _keep(response: Response) -> Response:
    """Static files with their digest in the address never change."""
    if request.endpoint == "static" and "v" in request.args and response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
    return response
