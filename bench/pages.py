"""List pages against a page with nothing on it, in one run and in turns."""

import gzip
from collections.abc import Callable
from typing import Any

from jinja2 import ChoiceLoader, DictLoader

from bench.house import House, in_turns
from dashboard import paging, web
from dashboard.security.guards import requires
from dashboard.statements import ranking
from dashboard.targets.queries import target_by_slug

BARE = "{% extends layout %}{% block title %}Bare{% endblock %}{% block main %}{% endblock %}"
PATHS = (
    "", "tables", "tables?sort=name&dir=asc", "tables?q=table_77", "tables?sort=growth_24h_bytes", "indexes",
    "indexes?sort=scans&dir=asc", "findings", "vacuum", "queries", "queries?window=24h", "queries?window=7d",
    "queries?window=90d", "queries?sort=mean_ms", "queries?q=table_77", "queries/compare", "advice", "activity",
    "activity/history", "server", "server/settings", "/alerts",
)  # fmt: skip
FIRST = (
    "tables", "tables?q=table_77", "indexes", "vacuum", "queries", "queries?window=7d", "queries?window=90d",
    "queries?q=table_77", "queries/compare",
)  # fmt: skip
KEPT = (ranking.EXTENSION, paging.EXTENSION)
ROUNDS = 15


def add_bare(house: House) -> None:
    """`/t/<slug>/bare`: the shell of every page of a target, signed in, with an empty main."""
    app = house.app

    @requires("viewer")
    def bare(slug: str) -> Any:
        return web.page("bare.html", target=target_by_slug(slug))

    app.jinja_loader = ChoiceLoader([DictLoader({"bare.html": BARE}), app.jinja_loader])  # type: ignore[list-item]
    app.add_url_rule("/t/<slug>/bare", "bare", bare)


def measured(house: House) -> list[tuple[str, float, float, int]]:
    """Path, median ms, times the bare page, bytes compressed: the bare page first. Pages of which a process keeps
    something until the next collection come a second time, without it.
    """
    browser, slug = house.browser(), house.slug()

    def asks(path: str) -> Callable[[], Any]:
        return lambda: browser.get(path if path.startswith("/") else f"/t/{slug}/{path}")

    def asks_first(path: str) -> Callable[[], Any]:
        def look() -> Any:
            kept = {name: house.app.extensions.pop(name) for name in KEPT if name in house.app.extensions}
            answer = asks(path)()
            house.app.extensions |= kept
            return answer

        return look

    paths = ("bare", *PATHS)
    looks = [(path or "summary", asks(path)) for path in paths]
    looks += [(f"{path}, first look", asks_first(path)) for path in FIRST]
    for name, look in looks:
        if (status := look().status_code) != 200:
            raise SystemExit(f"{name}: {status}")
    medians = in_turns([look for _, look in looks], ROUNDS)
    sizes = [len(gzip.compress(look().data, 6)) for _, look in looks]
    return [
        (name, median * 1000, median / medians[0], size)
        for (name, _), median, size in zip(looks, medians, sizes, strict=True)
    ]
