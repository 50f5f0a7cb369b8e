"""How a person wants the page: theme, time zone, shortcuts. Cookies, so that the server renders it right at once."""

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from dashboard.errors import Invalid
from dashboard.security.guards import public

CHOICES = {"theme": ("system", "light", "dark"), "zone": ("utc", "local"), "shortcuts": ("on", "off")}
YEAR_S = 31_536_000

blueprint = Blueprint("preferences", __name__)


@blueprint.post("/preferences")
@public
def choose() -> Response:
    """Keep what was chosen and go back to where the person was."""
    chosen = {name: request.form[name] for name in CHOICES if name in request.form}
    problems = {name: f"This is one of: {', '.join(CHOICES[name])}." for name in chosen if not _known(name, chosen)}
    if problems or not chosen:
        raise Invalid(problems or {"theme": "Nothing was chosen."})
    response = redirect(_way_back(request.form.get("next", "/")), 303)
    for name, value in chosen.items():
        response.set_cookie(name, value, max_age=YEAR_S, samesite="Lax", secure=request.is_secure, httponly=True)
    return response


def preference(name: str) -> str:
    """The kept choice, or the first one."""
    value = request.cookies.get(name, "")
    return value if value in CHOICES[name] else CHOICES[name][0]


def _known(name: str, chosen: dict[str, str]) -> bool:
    return chosen[name] in CHOICES[name]


def _way_back(path: str) -> str:
    """Only paths of this site: no scheme, no host, no backslash or control sign."""
    plain = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if plain else "/"
