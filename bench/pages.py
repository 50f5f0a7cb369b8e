"""List pages against a page with nothing on it, in one run and in turns."""

import gzip
from collections.abc import Callable
from typing import Any

from jinja2 import ChoiceLoader, DictLoader

from bench.house import House, in_turns
from dashboard import web
from dashboard.security.guards import requires
from dashboard.targets.queries import target_by_slug

BARE = "{% extends layout %}{% block title %}Bare{% endblock %}{% block main %}{% endblock %}"
PATHS = (
    "tables", "tables?sort=name&dir=asc", "tables?q=table_77", "tables?sort=growth_24h_bytes", "indexes",
    "indexes?sort=scans&dir=asc", "findings", "vacuum", "queries", "queries?window=7d", "queries?sort=mean_ms",
)  # fmt: skip
ROUNDS = 25


def add_bare(house: House) -> None:
    """`/t/<slug>/bare`: the shell of every page of a target, signed in, with an empty main."""
    app = house.app

    @requires("viewer")
    def bare(slug: str) -> Any:
        return web.page("bare.html", target=target_by_slug(slug))

    app.jinja_loader = ChoiceLoader([DictLoader({"bare.html": BARE}), app.jinja_loader])  # type: ignore[list-item]
    app.add_url_rule("/t/<slug>/bare", "bare", bare)


def measured(house: House) -> list[tuple[str, float, float, int]]:
    """Path, median ms, times the bare page, bytes compressed: the bare page first."""
    browser, slug = house.browser(), house.slug()

    def asks(path: str) -> Callable[[], Any]:
        return lambda: browser.get(f"/t/{slug}/{path}")

    paths = ("bare", *PATHS)
    for path in paths:
        if (status := asks(path)().status_code) != 200:
            raise SystemExit(f"{path}: {status}")
    medians = in_turns([asks(path) for path in paths], ROUNDS)
    sizes = [len(gzip.compress(asks(path)().data, 6)) for path in paths]
    return [
        (path, median * 1000, median / medians[0], size)
        for path, median, size in zip(paths, medians, sizes, strict=True)
    ]
