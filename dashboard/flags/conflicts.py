"""Two people, one flag or segment: the page that shows what was there, theirs and yours, and offers yours on top."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request, url_for

from dashboard import web
from dashboard.flags import compare, forms
from dashboard.flags.rules import definition_of
from dashboard.flags.saving import Stale
from dashboard.store import db
from dashboard.targets.models import Environment

NOT_SENT_AGAIN = {"version", "operation_id", "csrf_token", "reason", "typed_key", "view"}
RULES = ("rule", "otherwise.", "needs")
DEFINED_BY = {"variant_name", "variant_value", "default", "targeting", "metadata", "enabled", "unmet"}


def answer(
    stale: Stale,
    environment: Environment | None,
    version: int,
    *,
    whole: bool = False,
    action: str = "",
    fields: Mapping[str, str] | None = None,
    back: str | None = None,
    differences: Sequence[compare.ThreeWay] | None = None,
) -> Response:
    """409 with the difference; `version` is the one that is there now. Machines get the plain conflict.

    `whole`: yours replaces everything; `action` and `fields` send it again, where that is not this very form; `back`
    leads to what is there and `differences` tell it, where that is no flag.
    """
    if web.wants_json():
        raise stale
    key, together = stale.key, together_of(stale, whole=whole)
    sent = list(fields.items()) if fields is not None else _sent_again(together, environment, stale.flag_type)
    db.session.rollback()
    return _as_page(web.page(
        "flags/conflict.html", status=409, key=key, environment=environment, sentence=stale.sentence,
        is_there_already=not compare.differences(stale.theirs, together),
        differences=differences or compare.three_way(stale.base, stale.theirs, stale.yours),
        is_gone=bool(stale.base) and not stale.theirs,
        fields=sent, whole=whole, version=version, action=action or request.path,
        back=back or url_for("flags.show", key=key), typed={"reason": request.form.get("reason", "")},
        section="flags",
    ))  # fmt: skip


def together_of(stale: Stale, *, whole: bool = False) -> dict[str, Any]:
    """What is sent again: yours on top of theirs, or (`whole`, or where theirs is gone) yours as it is."""
    if whole or not stale.theirs:
        return stale.yours
    return compare.merged(stale.base or {}, stale.theirs, stale.yours)


def _as_page(response: Response) -> Response:
    if web.is_partial():
        response.headers["HX-Retarget"] = "#main"
        response.headers["HX-Reswap"] = "innerHTML"
    return response


def _sent_again(together: Mapping[str, Any], environment: Environment | None, flag_type: str) -> list[tuple[str, str]]:
    """What the form sent, with both changes together in place of yours."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name not in NOT_SENT_AGAIN]
    if "variant_name" in request.form:
        kept = [(name, value) for name, value in fields if not (name in DEFINED_BY or name.startswith(RULES))]
        fields = [*kept, *forms.fields_of(forms.shown(definition_of(together), flag_type))]
    elif environment is None:
        fields = [(name, _joined(together.get(name, ""))) for name, _ in fields]
    return fields


def _joined(value: object) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
