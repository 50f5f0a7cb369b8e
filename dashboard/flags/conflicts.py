"""Two people, one flag: the page that shows what was there, theirs and yours, and offers yours on top."""

from flask import Response, request, url_for

from dashboard import web
from dashboard.flags import compare, forms
from dashboard.flags.edits import Stale
from dashboard.flags.rules import definition_of
from dashboard.store import db
from dashboard.targets.models import Environment

NOT_SENT_AGAIN = {"version", "operation_id", "csrf_token", "reason", "typed_key", "view"}
RULES = ("rule", "otherwise.")
DEFINED_BY = {"variant_name", "variant_value", "default", "targeting", "metadata", "enabled"}


def answer(stale: Stale, environment: Environment | None, version: int) -> Response:
    """409 with the difference; `version` is the one that is there now. Machines get the plain conflict."""
    if web.wants_json():
        raise stale
    key, flag_type = stale.flag.key, stale.flag.type
    together = compare.merged(stale.base or {}, stale.theirs, stale.yours) if stale.theirs else stale.yours
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_SENT_AGAIN]
    if "variant_name" in request.form:
        kept = [(name, value) for name, value in fields if not (name in DEFINED_BY or name.startswith(RULES))]
        fields = [*kept, *forms.fields_of(forms.shown(definition_of(together), flag_type))]
    elif environment is None:
        fields = [(name, _joined(together.get(name, ""))) for name, _ in fields]
    db.session.rollback()
    response = web.page(
        "flags/conflict.html",
        status=409,
        key=key,
        environment=environment,
        sentence=stale.sentence,
        is_there_already=not compare.differences(stale.theirs, together),
        differences=compare.three_way(stale.base, stale.theirs, stale.yours),
        fields=fields,
        version=version,
        action=request.path,
        back=url_for("flags.show", key=key),
        section="flags",
    )
    if web.is_partial():
        response.headers["HX-Retarget"] = "#main"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def _joined(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
