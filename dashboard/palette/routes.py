"""GET /palette?q=: the results of Ctrl-K, also as a page of its own."""

from flask import Blueprint, Response, request

from dashboard import web
from dashboard.errors import Invalid
from dashboard.palette.queries import hits
from dashboard.security.guards import requires

LONGEST = 200

blueprint = Blueprint("palette", __name__)


@blueprint.get("/palette")
@requires("viewer")
def palette() -> Response:
    words, slug = request.args.get("q", "").strip(), request.args.get("t", "")
    if max(len(words), len(slug)) > LONGEST or "\x00" in words + slug:
        raise Invalid({"q": f"The search text is at most {LONGEST} characters without NUL."})
    template = "palette/_results.html" if web.is_partial() else "palette/palette.html"
    return web.page(template, words=words, slug=slug, hits=hits(words, slug))
