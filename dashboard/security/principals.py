"""Who asks: a person's account or an application's key. Templates know the person as `current_user`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from flask import Flask, Request, g, session
from flask_login import AnonymousUserMixin, LoginManager, UserMixin, current_user

from dashboard.security.guards import includes
from dashboard.security.models import Role


@dataclass(frozen=True)
class Principal(UserMixin):  # type: ignore[misc]
    """`author` is how audit and change lane name this one; the rest narrows what it may ask.

    `grants`: environment's slug → role that holds there in place of `role`.
    """

    kind: Literal["account", "key"]
    id: int
    author: str
    name: str
    role: str
    email: str = ""
    environment_id: int | None = None
    key_kind: str | None = None
    browser: bool = False
    origins: tuple[str, ...] = ()
    grants: Mapping[str, str] = field(default_factory=dict, hash=False)

    def role_in(self, environment: str | None) -> str:
        """The role in the environment of this slug; without one the role everywhere."""
        return self.grants.get(environment, self.role) if environment else self.role

    def can(self, role: Role, environment: str | None = None) -> bool:
        return includes(self.role_in(environment), role)


class Anonymous(AnonymousUserMixin):  # type: ignore[misc]
    role: ClassVar[str] = ""
    name: ClassVar[str] = ""
    email: ClassVar[str] = ""

    def can(self, _role: Role, _environment: str | None = None) -> bool:
        return False


def init_app(app: Flask) -> None:
    """Flask-Login reads the person from our session; its own init_app would open the session for static files too."""
    login = LoginManager()
    login.session_protection = None
    login.anonymous_user = Anonymous
    login.request_loader(_signed_in)
    app.config["REMEMBER_COOKIE_NAME"] = "pilothouse-unused"
    app.login_manager = login  # type: ignore[attr-defined]
    app.context_processor(lambda: {"current_user": current_user})


def principal() -> Principal | None:
    """The key that was admitted, else the person that this browser's session belongs to."""
    if "principal" not in g:
        g.principal = getattr(session, "account", None)
    found: Principal | None = g.principal
    return found


def _signed_in(_request: Request) -> Principal | None:
    found = principal()
    return found if found and found.kind == "account" else None
