"""The lists of people, keys, sessions and audit: every sort, filter and form of answer."""

import pytest

from dashboard.lists import ListSpec
from dashboard.security import keys_routes, people_routes, role_routes, routes

LISTS = {
    "/settings/people": people_routes.PEOPLE,
    "/settings/people/roles": role_routes.SPEC,
    "/settings/keys": keys_routes.KEYS,
    "/settings/sessions": routes.SESSIONS,
    "/audit": routes.AUDIT,
}


@pytest.mark.parametrize("url", LISTS)
def test_every_field_of_the_spec_sorts_both_ways(as_admin, url) -> None:
    spec: ListSpec = LISTS[url]
    for sort in spec.sorts:
        for direction in ("asc", "desc"):
            answer = as_admin.get(f"{url}?sort={sort}&dir={direction}&format=json")
            assert answer.status_code == 200, sort
            assert sort in (answer.json["rows"] or [{sort: None}])[0]


@pytest.mark.parametrize("url", LISTS)
@pytest.mark.parametrize(
    "asked", ["sort=nothing", "dir=up", "page=0", "page=x", "format=xml", "q=" + "x" * 201, "q=%00"]
)
def test_what_a_list_cannot_be_asked_is_422(as_admin, url, asked) -> None:
    field = asked.split("=")[0]
    machine = as_admin.get(f"{url}?{asked}", headers={"Accept": "application/json"})
    assert (machine.status_code, list(machine.json["error"]["fields"])) == (422, [field])
    assert as_admin.get(f"{url}?{asked}").status_code == 422
    assert as_admin.fragment.get(f"{url}?{asked}").status_code == 422


@pytest.mark.parametrize("url", LISTS)
def test_page_fragment_and_csv_come_from_one_address(as_admin, url) -> None:
    assert "<!doctype html>" in as_admin.get(url).text
    fragment = as_admin.fragment.get(url)
    assert (fragment.status_code, "<!doctype html>" in fragment.text, "<h1" in fragment.text) == (200, False, True)
    assert as_admin.get(f"{url}?format=csv").mimetype == "text/csv"


def test_wildcards_are_searched_as_written(as_admin) -> None:
    assert as_admin.get("/settings/people?format=json&q=%25").json["total"] == 0
    assert as_admin.get("/settings/people?format=json&q=ADMIN-").json["total"] == 1
