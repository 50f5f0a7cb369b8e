"""CORS: whose pages see answers (pure)."""

from dashboard.security.principals import Principal

PREFLIGHT_S = "600"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "authorization, x-api-key, content-type, if-none-match",
    "Access-Control-Max-Age": PREFLIGHT_S,
}
VARY_BY = ("Authorization", "X-API-Key", "Origin")
VARY = ", ".join((*VARY_BY, "HX-Request-Type"))


def shared_with(origin: str | None, asked_by: Principal | None) -> list[tuple[str, str]]:
    """Only the origins of a browser key see an answer."""
    if not origin or asked_by is None or not asked_by.browser or origin not in asked_by.origins:
        return []
    return [("Access-Control-Allow-Origin", origin), ("Access-Control-Expose-Headers", "ETag, Retry-After")]
