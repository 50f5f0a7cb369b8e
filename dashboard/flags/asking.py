"""A view whose change has to be approved leads to the page where the request waits."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec

from flask import Response, request

from dashboard import web
from dashboard.flags import holding
from dashboard.store import db

Given = ParamSpec("Given")


def asking(view: Callable[Given, Response]) -> Callable[Given, Response]:
    """Below the guard of a view that changes flags: asks for what the view may not change at once."""

    @wraps(view)
    def asked(*args: Given.args, **named: Given.kwargs) -> Response:
        try:
            return view(*args, **named)
        except holding.NeedsApproval as held:
            location = holding.ask(held, _operation_id())
        db.session.commit()
        return web.moved(location)

    return asked


def _operation_id() -> str | None:
    """Of a form or of a JSON body, which the view has read before."""
    sent = request.get_json(silent=True) if request.is_json else request.form
    found = sent.get("operation_id") if isinstance(sent, Mapping) else None
    return found if isinstance(found, str) else None
