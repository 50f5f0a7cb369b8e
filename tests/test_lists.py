"""Every list is a link: what can be asked, what is refused, and how rows leave."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from dashboard.errors import Invalid
from dashboard.lists import ListPage, ListQuery, ListSpec, parse_list, parse_window, respond

SPEC = ListSpec(
    sorts=("name", "total_bytes"),
    default_sort="total_bytes",
    default_window="1h",
    filters={"kind": ("table", "view"), "owner": None},
)
bare = Flask(__name__)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Size:
    name: str
    total_bytes: int
    at: datetime


ROWS = [Size("=danger", 10, datetime(2026, 11, 1, tzinfo=UTC))]


def asked(query_string: str) -> ListQuery:
    with bare.test_request_context(f"/t/shop/tables?{query_string}"):
        return parse_list(SPEC)


def test_nothing_asked_is_the_first_page_in_the_usual_order() -> None:
    query = asked("")
    assert (query.q, query.sort, query.dir, query.page, query.offset) == ("", "total_bytes", "desc", 1, 0)
    assert query.window == timedelta(hours=1)
    assert query.url() == "/t/shop/tables"


def test_a_neighbour_of_a_list_keeps_what_was_asked_and_goes_to_page_one() -> None:
    query = asked("q=a b&sort=name&dir=asc&page=3&window=7d&kind=view")
    assert query.url(window="15m") == "/t/shop/tables?q=a+b&sort=name&dir=asc&window=15m&kind=view"
    assert query.url(page=4).endswith("&page=4&window=7d&kind=view")


def test_two_times_are_a_span_of_their_own_and_stay_in_every_link() -> None:
    query = asked("from=2026-11-21T14:00Z&to=2026-11-21T15:30&q=a")
    assert query.span(NOW) == (datetime(2026, 11, 21, 14, tzinfo=UTC), datetime(2026, 11, 21, 15, 30, tzinfo=UTC))
    assert query.url() == "/t/shop/tables?q=a&from=2026-11-21T14%3A00%3A00Z&to=2026-11-21T15%3A30%3A00Z"
    assert query.url(window="6h") == "/t/shop/tables?q=a&window=6h"


def test_a_window_ends_now_and_no_span_ends_later() -> None:
    assert asked("window=6h").span(NOW) == (NOW - timedelta(hours=6), NOW)
    assert asked("from=2026-11-22T11:00Z&to=2026-11-22T23:00Z").span(NOW)[1] == NOW


@pytest.mark.parametrize(
    ("picked", "field"),
    [
        ("from=yesterday&to=2026-11-21T15:30Z", "from"),
        ("from=2026-11-21T15:30Z", "to"),
        ("from=2026-11-21T15:30Z&to=2026-11-21T15:30Z", "to"),
        ("from=2026-01-01T00:00Z&to=2026-11-21T15:30Z", "to"),
        ("from=0001-01-01T00:00%2B14:00&to=2026-11-21T15:30Z", "from"),
    ],
)
def test_times_that_make_no_span_are_refused_by_name(picked: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(picked)
    assert list(refused.value.fields) == [field]


def test_a_second_click_on_a_header_turns_the_direction() -> None:
    assert asked("sort=name&dir=desc").sort_url("name") == "/t/shop/tables?sort=name&dir=asc"
    assert asked("").sort_url("total_bytes") == "/t/shop/tables?dir=asc"


def test_wildcards_in_a_search_are_letters() -> None:
    assert asked("q=50%25_x").like() == "%50\\%\\_x%"


@pytest.mark.parametrize(
    ("query_string", "field"),
    [
        ("sort=password", "sort"),
        ("dir=up", "dir"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=99999999", "page"),
        ("page=%C2%B2", "page"),
        ("window=1y", "window"),
        ("window=1m", "window"),
        ("window=91d", "window"),
        ("window=1e3d", "window"),
        ("kind=index", "kind"),
        ("format=xml", "format"),
        ("q=" + "x" * 201, "q"),
        ("q=%00", "q"),
        ("owner=%00", "owner"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(query_string: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(query_string)
    assert set(refused.value.fields) == {field}


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        asked("sort=x&page=x&window=x")
    assert set(refused.value.fields) == {"sort", "page", "window"}


@pytest.mark.parametrize(
    ("text", "window"),
    [("15m", timedelta(minutes=15)), ("90d", timedelta(days=90)), ("36h", timedelta(hours=36))],
)
def test_windows_from_fifteen_minutes_to_ninety_days_are_taken(text: str, window: timedelta) -> None:
    assert parse_window(text) == window


def test_json_carries_raw_units_and_utc() -> None:
    with bare.test_request_context("/sizes?format=json&page=2"):
        answer = respond("none.html", ListPage(ROWS, 51, parse_list(SPEC), as_of=ROWS[0].at))
    assert answer.json == {
        "rows": [{"name": "=danger", "total_bytes": 10, "at": "2026-11-01T00:00:00.000Z"}],
        "total": 51,
        "page": 2,
        "as_of": "2026-11-01T00:00:00.000Z",
    }


def test_csv_has_the_same_fields_a_name_and_no_formulas() -> None:
    with bare.test_request_context("/t/shop/tables?format=csv"):
        query = parse_list(SPEC)
        answer = respond("none.html", ListPage(ROWS, 1, query))
    assert answer.get_data(as_text=True) == "name,total_bytes,at\r\n'=danger,10,2026-11-01T00:00:00.000Z\r\n"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="t-shop-tables.csv"'
    assert query.limit == 10_000


def test_pages_are_counted_and_an_empty_list_has_one() -> None:
    query = asked("")
    assert ListPage(ROWS, 101, query).pages == 3
    assert ListPage([], 0, query).pages == 1
