"""/alerts: what is wrong now, what was, and what is silenced."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.alerts import channel_edits, channel_queries, queries
from dashboard.alerts.catalogue import RULES
from dashboard.alerts.channel_routes import blueprint as channels
from dashboard.alerts.forms import SILENCES, SilenceForm, read_silence
from dashboard.alerts.rule_routes import blueprint as rules
from dashboard.errors import Invalid
from dashboard.lists import ListSpec, choices, parse_list, respond
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.queries import all_environments, all_targets

blueprint = Blueprint("alerts", __name__)
blueprint.register_blueprint(channels)
blueprint.register_blueprint(rules)
STATES, LEVELS = ("firing", "pending", "silenced", "resolved"), ("warning", "critical")
SPEC = ListSpec(
    sorts=("state", "level", "title", "began_at"),
    default_sort="state",
    default_dir="asc",
    filters={"state": STATES, "level": LEVELS, "rule": tuple(RULES), "environment": None},
)


@blueprint.get("/alerts")
@requires("viewer", key="read")
def alert_list() -> Response:
    return respond(
        "alerts/list.html",
        queries.alert_page(parse_list(SPEC), datetime.now(UTC)),
        section="alerts",
        states=choices(STATES),
        levels=choices(LEVELS),
        rules=[("", "All"), *((rule.key, rule.name) for rule in RULES.values())],
        environments=choices(environment.slug for environment in all_environments()),
    )


@blueprint.get("/alerts/<int:alert_id>")
@requires("viewer", key="read")
def alert(alert_id: int) -> Response:
    return _alert(alert_id, {})


@blueprint.post("/alerts/<int:alert_id>/silence")
@requires("operator")
def silence_one(alert_id: int) -> Response:
    now = datetime.now(UTC)
    shown = queries.alert_by_id(alert_id, now)
    try:
        typed = read_silence(request.form)
    except Invalid as refused:
        if web.wants_json():
            raise
        return _alert(alert_id, refused.fields)
    form = SilenceForm(shown.rule, shown.target, None, typed.reason, typed.lasts)
    channel_edits.add_silence(form, now, subject=shown.subject)
    db.session.commit()
    return web.moved(url_for("alerts.alert", alert_id=alert_id))


@blueprint.get("/alerts/silences")
@requires("viewer", key="read")
def silence_list() -> Response:
    return _silences({})


@blueprint.post("/alerts/silences")
@requires("operator")
def silence() -> Response:
    try:
        channel_edits.add_silence(read_silence(request.form), datetime.now(UTC))
    except Invalid as refused:
        if web.wants_json():
            raise
        return _silences(refused.fields)
    db.session.commit()
    return web.moved(url_for("alerts.silence_list"))


@blueprint.post("/alerts/silences/<int:silence_id>/end")
@requires("operator")
def end_silence(silence_id: int) -> Response:
    now = datetime.now(UTC)
    channel_edits.end_silence(channel_queries.silence_by_id(silence_id, now), now)
    db.session.commit()
    return web.moved(url_for("alerts.silence_list"))


def _alert(alert_id: int, errors: dict[str, str]) -> Response:
    now = datetime.now(UTC)
    shown = queries.alert_by_id(alert_id, now)
    return web.page(
        "alerts/alert.html",
        status=422 if errors else 200,
        alert=shown,
        rule=RULES.get(shown.rule),
        messages=channel_queries.messages_of(alert_id),
        silences=channel_queries.silences_of(alert_id, now) if shown.is_silenced else [],
        lasting=list(SILENCES),
        values=request.form,
        errors=errors,
        section="alerts",
    )


def _silences(errors: dict[str, str]) -> Response:
    return web.page(
        "alerts/silences.html",
        status=422 if errors else 200,
        silences=channel_queries.silences(datetime.now(UTC)),
        rules=RULES,
        targets=[target.slug for target in all_targets()],
        environments=[environment.slug for environment in all_environments()],
        lasting=list(SILENCES),
        values=request.form,
        errors=errors,
        section="alerts",
    )
