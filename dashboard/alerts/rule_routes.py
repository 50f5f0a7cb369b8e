"""/alerts/rules: what is watched, from which value on, in which environment."""

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.alerts.catalogue import RULES
from dashboard.alerts.channel_edits import set_rule
from dashboard.alerts.forms import UNIT_WORDS, read_setting, shown_setting
from dashboard.alerts.queries import rule_settings
from dashboard.alerts.rules import Rule
from dashboard.errors import Invalid, NotFound
from dashboard.security.guards import requires
from dashboard.store import db
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("rules", __name__)


@blueprint.get("/alerts/rules")
@requires("viewer", key="read")
def rule_list() -> Response:
    """Every rule in the environment chosen, else in the first one."""
    environments = all_environments()
    chosen = request.args.get("environment") or (environments[-1].slug if environments else None)
    environment = environment_by_slug(chosen) if chosen else None
    own = rule_settings()
    rows = [(rule, own.get((rule.key, environment.id)) if environment else None) for rule in RULES.values()]
    return web.page(
        "alerts/rules.html",
        rows=[(rule, setting or rule.default, setting is not None) for rule, setting in rows],
        environments=environments,
        chosen=environment,
        section="alerts",
    )


@blueprint.get("/alerts/rules/<key>/<slug>")
@requires("admin")
def edit(key: str, slug: str) -> Response:
    return _form(_rule(key), slug, {})


@blueprint.post("/alerts/rules/<key>/<slug>")
@requires("admin")
def change(key: str, slug: str) -> Response:
    rule, environment = _rule(key), environment_by_slug(slug)
    try:
        set_rule(rule, environment, read_setting(rule, request.form))
    except Invalid as refused:
        if web.wants_json():
            raise
        return _form(rule, slug, refused.fields)
    db.session.commit()
    return web.moved(url_for("alerts.rules.rule_list", environment=slug))


@blueprint.post("/alerts/rules/<key>/<slug>/reset")
@requires("admin")
def reset(key: str, slug: str) -> Response:
    set_rule(_rule(key), environment_by_slug(slug), None)
    db.session.commit()
    return web.moved(url_for("alerts.rules.rule_list", environment=slug))


def _rule(key: str) -> Rule:
    if (rule := RULES.get(key)) is None:
        raise NotFound("There is no such rule.")
    return rule


def _form(rule: Rule, slug: str, errors: dict[str, str]) -> Response:
    """As it was sent, else as it is."""
    chosen = environment_by_slug(slug)
    setting = rule_settings().get((rule.key, chosen.id), rule.default)
    return web.page(
        "alerts/rule.html",
        status=422 if errors else 200,
        rule=rule,
        chosen=chosen,
        units=UNIT_WORDS,
        values=request.form if request.method == "POST" else shown_setting(rule, setting),
        usual=shown_setting(rule, rule.default),
        errors=errors,
        section="alerts",
    )
