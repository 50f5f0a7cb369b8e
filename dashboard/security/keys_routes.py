"""HTTP of the API keys of applications and scripts."""

from flask import Blueprint, Response, request, url_for

from dashboard import web
from dashboard.errors import Invalid
from dashboard.lists import ListSpec, parse_list, respond
from dashboard.security import key_edits, queries
from dashboard.security.guards import requires
from dashboard.security.rules import number
from dashboard.store import db

blueprint = Blueprint("keys", __name__)
KEYS = ListSpec(
    sorts=("id", "name", "kind", "environment", "state", "created_at", "expires_at", "used_at"),
    default_sort="id",
    filters={"kind": key_edits.KINDS, "state": ("live", "expired", "revoked")},
)


@blueprint.get("/settings/keys")
@requires("admin")
def keys() -> Response:
    return _keys()


@blueprint.post("/settings/keys")
@requires("admin")
def create() -> Response:
    """The key's words are on this answer and nowhere else."""
    form = request.form
    days = form.get("expires_days", "").strip()
    try:
        key, words = key_edits.create_key(
            name=form.get("name", ""),
            kind=form.get("kind", ""),
            environment=form.get("environment") or None,
            browser="browser" in form,
            origins=form.get("origins", "").split(),
            expires_days=number("expires_days", days) if days else None,
        )
    except Invalid as refused:
        if web.wants_json():
            raise
        response = _keys(errors=refused.fields)
        response.status_code = 422
        return response
    db.session.commit()
    return web.page("security/new_key.html", key=queries.key(key.id), words=words, section="keys")


@blueprint.post("/settings/keys/<int:key_id>/revoke")
@requires("admin")
def revoke(key_id: int) -> Response:
    key_edits.revoke_key(key_id)
    db.session.commit()
    return web.written("security/_key.html", url_for("security.keys.keys"), key=queries.key(key_id))


def _keys(errors: dict[str, str] | None = None) -> Response:
    found = queries.keys(parse_list(KEYS))
    return respond(
        "security/keys.html",
        found,
        environments=queries.environments(),
        errors=errors or {},
        values=request.form,
        section="keys",
    )
