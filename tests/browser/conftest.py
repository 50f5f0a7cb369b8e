"""Journeys in real Chromium: a served app on a store of its own, a page that reports every violation, axe."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from flask import Flask
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import make_server

from dashboard.embedded import Server
from tests.browser import shop
from tests.conftest import close, make_app, numbers, run_sql

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
ASK_AXE = "async (rules) => (await axe.run(rules)).violations"
IN_THE_DARK = """
document.documentElement.dataset.theme = "dark";
document.querySelector("meta[name=color-scheme]").content = "dark";
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker("browser")
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="browser journeys not run: no chromium on this machine"))


@dataclass
class Site:
    """A served app; `path` makes an address of it."""

    app: Flask
    url: str

    def path(self, path: str) -> str:
        return self.url + path


@dataclass
class Watched:
    """Everything that a page must never say: errors of the console, exceptions, refused requests."""

    problems: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def listen(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(text in message.text for text in self.expected):
            self.problems.append(message.text)


@pytest.fixture
def live_server(cloned_store: Flask) -> Iterator[Site]:
    served = make_server("127.0.0.1", 0, cloned_store, threaded=True)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield Site(cloned_store, f"http://127.0.0.1:{served.server_port}")
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def new_page(
    chromium: Chromium, live_server: Site, sign_in: Callable[..., Any], watched: Watched
) -> Iterator[Callable[..., Page]]:
    """A signed-in tab in a context of its own: `new_page("operator", width=390, theme="dark")`."""
    contexts: list[BrowserContext] = []

    def opened(role: str | None = "admin", *, width: int = 1440, theme: str = "light") -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 900}, base_url=live_server.url)
        cookies = [{"name": "theme", "value": theme}]
        if role:
            cookie = sign_in(live_server.app, role).get_cookie("pilothouse")
            cookies.append({"name": "pilothouse", "value": cookie.value})
        context.add_cookies([cookie | {"url": live_server.url} for cookie in cookies])  # type: ignore[misc]
        context.add_init_script(NOTE_VIOLATIONS)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        watched.listen(page)
        return alive_when_opened(page)

    yield opened
    violations = [text for context in contexts for page in context.pages for text in page.evaluate("violations")]
    for context in contexts:
        context.close()
    assert violations == []
    assert watched.problems == []


def alive_when_opened(page: Page) -> Page:
    """`goto` returns when htmx has taken over: it starts in a timer, which a busy machine runs after the load."""
    goto = page.goto

    def opened(*words: Any, **options: Any) -> Any:
        response = goto(*words, **options)
        page.wait_for_selector("body:not(:has([hx-get])), [data-htmx-powered]", state="attached")
        return response

    page.goto = opened  # type: ignore[method-assign]
    return page


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@contextmanager
def dark_phone(page: Page) -> Iterator[None]:
    """The page that is there, with what the server writes for the dark theme, as narrow as a phone."""
    wide = page.viewport_size
    assert wide
    page.evaluate(IN_THE_DARK)
    page.set_viewport_size({"width": 390, "height": 900})
    yield
    page.set_viewport_size(wide)


@pytest.fixture
def axe() -> Callable[[Page], list[str]]:
    """What axe finds on the page: rule, element and what to do, one line each."""

    def found(page: Page) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(AXE_SCRIPT)
        violations = page.evaluate(ASK_AXE, RULES)
        return [
            f"{violation['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
            for violation in violations
            for node in violation["nodes"]
        ]

    return found


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Ask the page until a script is true: `wait_for_function` would need eval, which the policy refuses."""

    def wait(page: Page, script: str, seconds: float = 8) -> None:
        deadline = time.monotonic() + seconds
        while not page.evaluate(script):
            assert time.monotonic() < deadline, f"never true: {script}"
            time.sleep(0.05)

    return wait


@pytest.fixture(scope="session")
def watched_shop(server: Server, store_template: str) -> str:
    """The name of a store that has watched a shop for a day, to be cloned; the shop stays as long as the server."""
    shop.make_database(server)
    run_sql(server, "create database {} template {} owner pilothouse", "watched_shop", store_template)
    app = make_app(server, "watched_shop")
    shop.watch(app, server)
    close(app)
    return "watched_shop"


@pytest.fixture
def shop_store(server: Server, watched_shop: str) -> Iterator[Flask]:
    """An app on its own copy of the store that has watched the shop."""
    name = f"shop_store_{next(numbers)}"
    run_sql(server, "create database {} template {} owner pilothouse", name, watched_shop)
    app = make_app(server, name)
    yield app
    close(app)
    run_sql(server, "drop database {} with (force)", name)
