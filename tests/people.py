"""Who asks: browsers with a session in the store, of nobody, a viewer, an operator or an admin."""

import itertools
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.orm import Session

from dashboard.security.models import Account, BrowserSession
from dashboard.security.sessions import hash_of
from dashboard.store import db

SECRET_KEY = "the tests' own key, of more than thirty-two characters"
numbers = itertools.count(1)


class Browser(FlaskClient):
    """A browser with a session in the store; its writes carry the session's CSRF token, as our pages do."""

    csrf_token = ""
    store: Session | None = None

    def open(self, *args: Any, csrf: bool = True, **kwargs: Any) -> Any:
        if self.store:
            self.store.commit()
        if csrf and self.csrf_token:
            kwargs["headers"] = {"X-CSRFToken": self.csrf_token} | dict(kwargs.get("headers") or {})
        return super().open(*args, **kwargs)

    @property
    def fragment(self) -> "Fragment":
        return Fragment(self)


class Fragment:
    """The same browser asking as htmx does for a part of a page."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def get(self, url: str, **kwargs: Any) -> Any:
        return self.browser.get(url, **self._asking(kwargs))

    def post(self, url: str, **kwargs: Any) -> Any:
        return self.browser.post(url, **self._asking(kwargs))

    def _asking(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        headers = {"HX-Request": "true", "HX-Request-Type": "partial"} | dict(kwargs.pop("headers", None) or {})
        return kwargs | {"headers": headers}


@pytest.fixture
def sign_in() -> Callable[..., Browser]:
    """Sign a new account in, in any app: `sign_in(app, "operator")`."""

    def signed_in(app: Flask, role: str | None = None, store: Session | None = None) -> Browser:
        browser = app.test_client()
        assert isinstance(browser, Browser)
        token, seed = secrets.token_urlsafe(24), secrets.token_hex(20)
        with app.app_context():
            account = None
            if role:
                email = f"{role}-{next(numbers)}@example.com"
                account = Account(email=email, name=role.title(), password_hash="-", role=role)
            row = BrowserSession(id_hash=hash_of(token), content={"csrf_token": seed}, address="", user_agent="")
            row.account = account
            db.session.add(row)
            db.session.commit()
        browser.set_cookie("pilothouse", token)
        browser.csrf_token = URLSafeTimedSerializer(SECRET_KEY, salt="wtf-csrf-token").dumps(seed)
        browser.store = store
        return browser

    return signed_in


@pytest.fixture
def client(app: Flask, store: Session, sign_in: Callable[..., Browser]) -> Browser:
    """Nobody in particular, who has been to the sign-in page."""
    return sign_in(app, None, store)


@pytest.fixture
def as_viewer(app: Flask, store: Session, sign_in: Callable[..., Browser]) -> Browser:
    return sign_in(app, "viewer", store)


@pytest.fixture
def as_operator(app: Flask, store: Session, sign_in: Callable[..., Browser]) -> Browser:
    return sign_in(app, "operator", store)


@pytest.fixture
def as_admin(app: Flask, store: Session, sign_in: Callable[..., Browser]) -> Browser:
    return sign_in(app, "admin", store)
