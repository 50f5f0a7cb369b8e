"""Deny by default: a view answers only to the right that is declared on it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from dashboard.security.models import ROLES, Role

View = TypeVar("View", bound=Callable[..., Any])
KeyKind = Literal["read", "flags"]
Place = str | Callable[[Mapping[str, Any]], str | None]


@dataclass(frozen=True)
class Right:
    """Who may ask a view: everyone (public), an account of at least `role`, or a key of a kind.

    `browser`: also keys that web pages carry in the open; `loopback`: also whoever asks from this machine.
    `within`: the role is that of an environment. Its slug stands in the parameter or field of this name, or is what
    this function makes of the parameters; None: the role everywhere counts.
    """

    public: bool = False
    role: Role | None = None
    key: KeyKind | None = None
    browser: bool = False
    loopback: bool = False
    within: Place | None = None


PUBLIC = Right(public=True)


def public(view: View) -> View:
    """Anybody may ask this view: sign-in, health, static files."""
    return _declare(view, PUBLIC)


def requires(
    role: Role, *, key: KeyKind | None = None, loopback: bool = False, within: Place | None = None
) -> Callable[[View], View]:
    """An account of at least this role; `key="read"`: also an API key of that kind whose role suffices."""
    return lambda view: _declare(view, Right(role=role, key=key, loopback=loopback, within=within))


def requires_key(kind: KeyKind, *, browser: bool = False) -> Callable[[View], View]:
    """Only an API key of this kind: the views that applications ask."""
    return lambda view: _declare(view, Right(key=kind, browser=browser))


def right_of(view: Callable[..., Any] | None) -> Right | None:
    return getattr(view, "right", None)


def includes(role: str, needed: Role) -> bool:
    """An admin may what an operator may, an operator what a viewer may."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def _declare(view: View, right: Right) -> View:
    view.right = right  # type: ignore[attr-defined]
    return view
