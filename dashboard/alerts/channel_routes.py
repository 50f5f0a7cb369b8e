"""/alerts/channels: who is told, and whether it went out."""

from typing import Any

from flask import Blueprint, Response, current_app, request, url_for

from dashboard import web
from dashboard.alerts import channel_edits
from dashboard.alerts.channel_queries import channel_by_id, channels
from dashboard.alerts.forms import KINDS, TELLS, read_channel, tells_of
from dashboard.alerts.models import AlertChannel
from dashboard.alerts.senders import NO_SMTP, NotSent
from dashboard.errors import Invalid
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.forms import version_of
from dashboard.targets.queries import all_environments

blueprint = Blueprint("channels", __name__)


@blueprint.get("/alerts/channels")
@requires("admin")
def channel_list() -> Response:
    return _list({})


@blueprint.post("/alerts/channels")
@requires("admin")
def add() -> Response:
    try:
        channel_edits.add_channel(read_channel(request.form, needs_address=True))
    except Invalid as refused:
        if web.wants_json():
            raise
        return _list(refused.fields)
    db.session.commit()
    return web.moved(url_for("alerts.channels.channel_list"))


@blueprint.get("/alerts/channels/<int:channel_id>")
@requires("admin")
def edit(channel_id: int) -> Response:
    return _form(channel_by_id(channel_id), {})


@blueprint.post("/alerts/channels/<int:channel_id>")
@requires("admin")
def change(channel_id: int) -> Response:
    channel, version = channel_by_id(channel_id), version_of(request.form)
    try:
        channel_edits.change_channel(channel, read_channel(request.form, needs_address=False), version=version)
    except Invalid as refused:
        if web.wants_json():
            raise
        db.session.rollback()
        return _form(channel_by_id(channel_id), refused.fields)
    db.session.commit()
    return web.moved(url_for("alerts.channels.channel_list"))


@blueprint.post("/alerts/channels/<int:channel_id>/remove")
@requires("admin")
def remove(channel_id: int) -> Response:
    channel_edits.remove_channel(channel_by_id(channel_id))
    db.session.commit()
    return web.moved(url_for("alerts.channels.channel_list"))


@blueprint.post("/alerts/channels/<int:channel_id>/test")
@requires("admin")
def test(channel_id: int) -> Response:
    """Sends at once, within ten seconds, and says how that went."""
    channel = channel_by_id(channel_id)
    name, problem = channel.name, None
    try:
        channel_edits.try_channel(channel)
    except NotSent as failure:
        problem = failure.sentence
    return _list({}, tested=(name, problem))


def _list(errors: dict[str, str], tested: tuple[str, str | None] | None = None) -> Response:
    return web.page(
        "alerts/channels.html",
        status=422 if errors else 200,
        channels=channels(),
        tested=tested,
        no_smtp=None if current_app.extensions["pilothouse_settings"].smtp_url else NO_SMTP,
        **_choices(),
        values=request.form if errors else {},
        errors=errors,
        section="alerts",
    )


def _form(channel: AlertChannel, errors: dict[str, str]) -> Response:
    """As it was sent, else as it is; the address itself is never shown again."""
    environments = {environment.id: environment.slug for environment in all_environments()}
    kept = {"name": channel.name, "kind": channel.kind, "level": channel.level}
    kept["tells"] = tells_of(channel.tells_alerts, channel.tells_flags_since is not None)
    kept |= {"environment": environments.get(channel.environment_id or 0, "")} | (
        {"is_on": "on"} if channel.is_on else {}
    )
    return web.page(
        "alerts/channel.html",
        status=422 if errors else 200,
        channel=channel,
        **_choices(),
        values=request.form if errors else kept,
        errors=errors,
        section="alerts",
    )


def _choices() -> dict[str, Any]:
    return {
        "kinds": list(KINDS.items()),
        "tells": list(TELLS.items()),
        "environments": [("", "Every environment"), *((one.slug, one.name) for one in all_environments())],
        "levels": [("warning", "Warnings and worse"), ("critical", "Critical only")],
    }
