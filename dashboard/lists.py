"""Every list is a link: parse ?q=&sort=&dir=&page=&window=&format= and answer as page, JSON or CSV."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

from flask import Response, jsonify, request

from dashboard import web
from dashboard.errors import Invalid
from dashboard.formats import csv_value, json_value, window_text
from dashboard.spans import Span, parse_span, time_param

PAGE_SIZE = 50
LARGEST_PAGE = 10_000
LARGEST_EXPORT = 10_000
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(days=90)
WINDOWS = ("15m", "1h", "6h", "24h", "7d", "30d")
_WINDOW = re.compile(r"([1-9]\d{0,5})([mhd])\Z")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
Row = TypeVar("Row")


@dataclass(frozen=True)
class ListSpec:
    """What a list can be asked: `sorts` are fields of its JSON rows; `filters` name → allowed values (None: any)."""

    sorts: tuple[str, ...]
    default_sort: str
    default_dir: Literal["asc", "desc"] = "desc"
    default_window: str | None = None
    filters: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)
    page_size: int = PAGE_SIZE


@dataclass(frozen=True)
class ListQuery:
    """What was asked. Links to neighbours of the same list come from `url(...)`; `picked` are two times by hand."""

    spec: ListSpec
    path: str
    q: str
    sort: str
    dir: Literal["asc", "desc"]
    page: int
    window: timedelta | None
    filters: Mapping[str, str]
    size: int = PAGE_SIZE
    picked: Span | None = None

    def span(self, now: datetime) -> Span:
        """From when to when the list speaks: the two times picked, else the window that ends now."""
        if self.picked is not None:
            return self.picked[0], min(self.picked[1], max(now, self.picked[0] + SHORTEST))
        return now - (self.window or LONGEST), now

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size

    @property
    def limit(self) -> int:
        return self.size

    @property
    def descending(self) -> bool:
        return self.dir == "desc"

    def like(self) -> str:
        """The search text as a LIKE pattern with its own wildcards escaped by a backslash."""
        escaped = self.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"%{escaped}%"

    def url(self, **changes: Any) -> str:
        """This list with some of q, sort, dir, page, window, format or filters changed; other than page: page 1."""
        asked: dict[str, Any] = {"q": self.q, "sort": self.sort, "dir": self.dir, "page": self.page}
        if self.picked is not None and "window" not in changes:
            asked |= {"from": time_param(self.picked[0]), "to": time_param(self.picked[1])}
        elif self.window is not None:
            asked["window"] = window_text(self.window)
        asked |= self.filters
        if "page" not in changes:
            asked["page"] = 1
        asked |= changes
        usual = {"q": "", "sort": self.spec.default_sort, "page": 1, "window": self.spec.default_window}
        if asked["sort"] == self.spec.default_sort:
            usual["dir"] = self.spec.default_dir
        shown = {key: value for key, value in asked.items() if value not in (None, "", usual.get(key))}
        return f"{self.path}?{urlencode(shown)}" if shown else self.path

    def sort_url(self, name: str) -> str:
        """Sort by this field; a second click turns the direction."""
        turned = "asc" if self.descending else "desc"
        return self.url(sort=name, dir=turned if name == self.sort else "desc")


@dataclass(frozen=True)
class ListPage(Generic[Row]):
    """One page of rows, how many there are in all, and when the store last heard of them."""

    rows: Sequence[Row]
    total: int
    query: ListQuery
    as_of: datetime | None = None

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.query.size))


def parse_list(spec: ListSpec) -> ListQuery:
    """The list that the current request asks for. Raises Invalid with every field that cannot be used."""
    args, problems = request.args, dict[str, str]()
    picked = _picked(args, spec, problems)
    query = ListQuery(
        spec=spec,
        path=request.path,
        q=_text(args.get("q", ""), problems),
        sort=_one_of("sort", args.get("sort", spec.default_sort), spec.sorts, problems),
        dir="asc" if _direction(args, spec, problems) == "asc" else "desc",
        page=_page(args.get("page", "1"), problems),
        window=picked[1] - picked[0] if picked else _window(args, spec, problems),
        picked=picked,
        size=spec.page_size,
        filters={
            name: _one_of(name, args[name], allowed, problems) if allowed else _text(args[name], problems, name)
            for name, allowed in spec.filters.items()
            if args.get(name)
        },
    )
    _one_of("format", args.get("format", "html"), ("html", "json", "csv"), problems)
    if problems:
        raise Invalid(problems)
    if args.get("format") == "csv":
        return replace(query, size=LARGEST_EXPORT)
    return query


def respond(template: str, found: ListPage[Any], **context: Any) -> Response:
    """The page, or the same rows as JSON (this page of the list) or CSV (the whole filtered list)."""
    wanted = request.args.get("format", "html")
    if wanted == "json":
        rows = [_row(row) for row in found.rows]
        as_of = json_value(found.as_of)
        return jsonify(rows=rows, total=found.total, page=found.query.page, as_of=as_of)
    if wanted == "csv":
        return _csv(found)
    return web.page(template, found=found, query=found.query, **context)


def choices(values: Iterable[str]) -> list[tuple[str, str]]:
    """What a filter of a list offers: everything, then each value in words."""
    return [("", "All"), *((value, value.replace("_", " ").capitalize()) for value in values)]


def parse_window(text: str) -> timedelta:
    """`<n>m`, `<n>h` or `<n>d`, from 15m to 90d. Raises Invalid."""
    match = _WINDOW.match(text)
    window = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if window is None or not SHORTEST <= window <= LONGEST:
        raise Invalid({"window": "The window is written like 15m, 6h or 7d, from 15m to 90d."})
    return window


def _row(row: Any, form: str = "json") -> dict[str, Any]:
    """What a row tells the outside: its `json()` (for CSV its `csv()`) where it has one, else its fields."""
    if tell := getattr(row, form, None) or getattr(row, "json", None):
        return {key: json_value(value) for key, value in tell().items()}
    raw = asdict(row) if is_dataclass(row) and not isinstance(row, type) else dict(row)
    return {key: json_value(value) for key, value in raw.items()}


def _csv(found: ListPage[Any]) -> Response:
    rows = [_row(row, "csv") for row in found.rows]
    text = io.StringIO()
    writer = csv.writer(text)
    if rows:
        writer.writerow(rows[0].keys())
        writer.writerows([csv_value(value) for value in row.values()] for row in rows)
    name = re.sub(r"[^A-Za-z0-9]+", "-", found.query.path).strip("-") or "list"
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text.getvalue(), mimetype="text/csv", headers=headers)


def _text(value: str, problems: dict[str, str], name: str = "q") -> str:
    if "\x00" in value or len(value) > 200:
        problems[name] = "The search text is at most 200 characters without NUL."
    return value.strip()


def _one_of(name: str, value: str, allowed: Sequence[str], problems: dict[str, str]) -> str:
    if value not in allowed:
        problems[name] = f"“{name}” is one of: {', '.join(allowed)}."
    return value


def _direction(args: Mapping[str, str], spec: ListSpec, problems: dict[str, str]) -> str:
    usual = spec.default_dir if args.get("sort", spec.default_sort) == spec.default_sort else "desc"
    return _one_of("dir", args.get("dir", usual), ("asc", "desc"), problems)


def _page(value: str, problems: dict[str, str]) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= LARGEST_PAGE and len(value) <= 6):
        problems["page"] = f"The page is a number from 1 to {LARGEST_PAGE}."
        return 1
    return int(value)


def _picked(args: Mapping[str, str], spec: ListSpec, problems: dict[str, str]) -> Span | None:
    if spec.default_window is None:
        return None
    picked, found = parse_span(args)
    problems |= found
    return picked


def _window(args: Mapping[str, str], spec: ListSpec, problems: dict[str, str]) -> timedelta | None:
    if spec.default_window is None:
        return None
    try:
        return parse_window(args.get("window") or spec.default_window)
    except Invalid as refused:
        problems |= refused.fields
        return None
