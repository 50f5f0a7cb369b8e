"""Security headers of every answer, whatever its status and type."""

import secrets

from flask import Flask, Response, g, request

from dashboard.security.principals import principal

POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx"
)
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope",
            "magnetometer", "microphone", "midi", "payment", "usb", "xr-spatial-tracking",
        )
    ),
}  # fmt: skip
TWO_YEARS = "max-age=63072000; includeSubDomains"


def init_app(app: Flask) -> None:
    app.after_request(_protect)
    app.jinja_env.globals["nonce"] = nonce


def nonce() -> str:
    """One per response, a fragment's too: hx-csp takes a response that repeats the page's nonce for stolen."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return str(g.csp_nonce)


def protecting(nonce_: str, *, secure: bool) -> list[tuple[str, str]]:
    """What every answer carries; `secure`: it was asked for by https."""
    policy = ("Content-Security-Policy", POLICY.format(nonce=nonce_))
    return [policy, *FIXED.items(), *([("Strict-Transport-Security", TWO_YEARS)] if secure else ())]


def _protect(response: Response) -> Response:
    for name, value in protecting(nonce(), secure=request.is_secure):
        response.headers[name] = value
    if request.endpoint != "static":
        _keep_private(response)
    return response


def _keep_private(response: Response) -> None:
    """A person's pages are never kept; what applications ask may name its own caching (ETag)."""
    if "Cache-Control" not in response.headers or _is_for_person():
        response.headers["Cache-Control"] = "no-store"


def _is_for_person() -> bool:
    asked_by = principal()
    return asked_by is not None and asked_by.kind == "account"
