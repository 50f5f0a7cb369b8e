"""/flags/schedules: what is to come and what came of it; a change of a flag planned for a time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.flags import (
    coming,
    conflicts,
    forms,
    ramp,
    rollout,
    rules,
    schedule_forms,
    schedule_queries,
    schedules,
    targeting,
)
from dashboard.flags.asking import asking
from dashboard.flags.confirming import confirmed
from dashboard.flags.ledger import definition_of, document_of
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.queries import cell_of, flag_by_key
from dashboard.flags.rules import Definition
from dashboard.flags.saving import Stale
from dashboard.flags.schedule_forms import ScheduleForm
from dashboard.flags.schedule_models import STATES, FlagSchedule
from dashboard.lists import ListSpec, choices, parse_list, respond
from dashboard.security.guards import requires
from dashboard.security.principals import principal
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import all_environments, environment_by_slug

blueprint = Blueprint("schedules", __name__)
SPEC = ListSpec(
    sorts=("next_at", "flag", "title", "created_at"),
    default_sort="next_at",
    default_dir="asc",
    filters={"state": STATES, "environment": None},
)


@blueprint.app_context_processor
def _words() -> dict[str, object]:
    words: dict[str, object] = {"coming_of": coming_of, "steps_of_schedule": schedule_queries.steps_of}
    return words | {"utc_now": lambda: datetime.now(UTC)}


@blueprint.get("/flags/schedules")
@requires("viewer", key="read")
def index() -> Response:
    found = schedule_queries.schedule_page(parse_list(SPEC))
    places = choices(place.slug for place in all_environments())
    return respond("flags/schedules.html", found, section="flags", states=choices(STATES), places=places)


@blueprint.post("/flags/schedules/<uuid>/cancel")
@requires("operator", within=schedule_queries.place_of)
@asking
def cancel(uuid: str) -> Response:
    reason = request.form.get("reason", "").strip()
    if problems := rules.confirmation_problems(needed=False, key="", typed_key="", reason=reason):
        raise Invalid(problems)
    found = schedules.cancel(uuid, reason=reason or None)
    key = found.flag.key
    db.session.commit()
    is_list = request.form.get("view") == "list"
    return web.moved(url_for("flags.schedules.index") if is_list else url_for("flags.show", key=key))


@blueprint.get("/flags/<key>/in/<slug>/schedule")
@requires("operator", within="slug")
def new(key: str, slug: str) -> Response:
    flag, environment = flag_by_key(key), environment_by_slug(slug)
    return _page(flag, environment, {"what": request.args.get("what", "")}, {})


@blueprint.post("/flags/<key>/in/<slug>/schedule")
@requires("operator", within="slug")
@asking
def add(key: str, slug: str) -> Response:
    flag, environment = flag_by_key(key), environment_by_slug(slug)
    setting = _setting(flag, environment)
    try:
        form = schedule_forms.read(request.form)
        steps = _definitions(flag, definition_of(setting), form)
        if request.form.get("action") == "preview":
            return _page(flag, environment, request.form, {}, steps=schedules.steps_of(flag, steps))
        reason = confirmed(flag, environment)
        title = schedule_forms.title(key, slug, form, steps[-1][0])
        plan(flag, environment, steps, title=title, reason=reason)
    except Stale as stale:
        return conflicts.answer(stale, environment, cell_of(flag, environment).version)
    except Invalid as refused:
        db.session.rollback()
        if web.wants_json():
            raise
        return _page(flag_by_key(key), environment_by_slug(slug), request.form, refused.fields, 422)
    db.session.commit()
    return web.moved(url_for("flags.show", key=key))


def plan(
    flag: Flag, environment: Environment, steps: Sequence[tuple[int, Definition]], *, title: str, reason: str
) -> None:
    """What a form asks for at a time. Raises like `schedules.plan`."""
    me = principal()
    schedules.plan(
        flag,
        environment,
        schedules.steps_of(flag, steps),
        version=forms.version_of(request.form.to_dict(flat=False)),
        title=title,
        reason=reason,
        operation_id=request.form.get("operation_id"),
        author_id=me.id if me and me.kind == "account" else None,
    )


def coming_of(flag_id: int) -> dict[int, FlagSchedule]:
    """What is to come of a flag by environment; asked once for a response."""
    kept: dict[int, dict[int, FlagSchedule]] = g.setdefault("coming", {})
    if flag_id not in kept:
        kept[flag_id] = schedule_queries.pending_of_flag(flag_id)
    return kept[flag_id]


def _definitions(flag: Flag, definition: Definition, form: ScheduleForm) -> list[tuple[int, Definition]]:
    if form.ramp:
        return ramp.definitions(form.ramp, definition, flag.key)
    return [(form.at, rules.switched(definition, enabled=form.what == "on"))]


def _setting(flag: Flag, environment: Environment) -> FlagSetting:
    setting = cell_of(flag, environment).setting
    if setting is None:
        raise Invalid({"environment": f"{flag.key} is not set in {environment.slug} yet."})
    return setting


def _page(
    flag: Flag,
    environment: Environment,
    values: Mapping[str, Any],
    errors: Mapping[str, str],
    status: int = 200,
    steps: schedules.Steps = (),
) -> Response:
    setting = _setting(flag, environment)
    previewed = coming.steps_of(document_of(setting), steps) if steps else []
    return web.page(
        "flags/schedule.html", status=status, flag=flag, environment=environment, values=values, errors=errors,
        what=schedule_forms.what_of(values.get("what"), is_on=setting.enabled), setting=setting,
        shares=_shares(setting), units=list(schedule_forms.UNITS), steps=previewed, typed=dict(values), section="flags",
        version=values.get("version", setting.version), coming=coming_of(flag.id).get(environment.id),
    )  # fmt: skip


def _shares(setting: FlagSetting) -> dict[str, str]:
    """Variant → what it has now, in words; empty where only JSON can say it."""
    definition = definition_of(setting)
    if targeting.read(definition.targeting) is None:
        return {}
    return {name: f"{name} {rollout.percent_text(ramp.share_of(definition, name))} %" for name in definition.variants}
