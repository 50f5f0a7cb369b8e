"""The frame of every page as requests see it: nonce, policy, preferences, assets, palette, unchanged parts."""

import re
from typing import Any

import pytest

from dashboard.flags.models import Flag
from dashboard.look import asset


def nonces(response: Any) -> set[str]:
    return set(re.findall(r'nonce="([^"]+)"', response.text))


def test_every_answer_has_one_fresh_nonce_and_its_policy_names_it(as_viewer: Any) -> None:
    first, second = as_viewer.get("/styleguide"), as_viewer.fragment.get("/styleguide")
    for response in (first, second):
        (nonce,) = nonces(response)
        assert f"script-src 'nonce-{nonce}'" in response.headers["Content-Security-Policy"]
    assert nonces(first) != nonces(second)


def test_a_fragment_is_the_title_and_the_content_alone(as_viewer: Any) -> None:
    text = as_viewer.fragment.get("/styleguide").text
    assert text.startswith("<title>Style guide · Pilothouse</title>")
    assert "<html" not in text
    assert 'id="nav"' not in text


def test_a_part_that_did_not_change_is_304(as_viewer: Any) -> None:
    first = as_viewer.fragment.get("/palette?q=flags")
    again = as_viewer.fragment.get("/palette?q=flags", headers={"HX-PTag": first.headers["HX-PTag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = as_viewer.fragment.get("/palette?q=audit", headers={"HX-PTag": first.headers["HX-PTag"]})
    assert other.status_code == 200


def test_nonces_tokens_and_ages_do_not_make_a_part_new(as_viewer: Any) -> None:
    tags = {as_viewer.fragment.get("/settings/sessions").headers["HX-PTag"] for _ in range(2)}
    assert len(tags) == 1


def test_whole_pages_are_never_304(as_viewer: Any) -> None:
    tag = as_viewer.fragment.get("/palette?q=flags").headers["HX-PTag"]
    assert as_viewer.get("/palette?q=flags", headers={"HX-PTag": tag}).status_code == 200


@pytest.mark.parametrize(("theme", "attribute"), [("dark", 'data-theme="dark"'), ("light", 'data-theme="light"')])
def test_the_theme_is_in_the_first_byte_of_the_page(as_viewer: Any, theme: str, attribute: str) -> None:
    chosen = as_viewer.post("/preferences", data={"theme": theme, "next": "/styleguide"})
    assert (chosen.status_code, chosen.location) == (303, "/styleguide")
    assert attribute in as_viewer.get("/styleguide").text


def test_without_a_choice_the_system_decides(as_viewer: Any) -> None:
    assert "data-theme" not in as_viewer.get("/styleguide").text.split("<head>")[0]


@pytest.mark.parametrize(
    "way", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""]
)
def test_the_way_back_stays_on_this_site(as_viewer: Any, way: str) -> None:
    assert as_viewer.post("/preferences", data={"theme": "dark", "next": way}).location == "/"


@pytest.mark.parametrize("form", [{"theme": "sepia"}, {"zone": "mars"}, {"shortcuts": ""}, {}])
def test_a_preference_that_does_not_exist_is_422(as_viewer: Any, form: dict[str, str]) -> None:
    assert as_viewer.post("/preferences", data=form).status_code == 422


def test_preferences_are_chosen_by_post_with_a_token(as_viewer: Any) -> None:
    assert as_viewer.get("/preferences").status_code == 405
    assert as_viewer.post("/preferences", data={"theme": "dark"}, csrf=False).status_code == 400


def test_the_palette_finds_pages_and_flags_by_name(as_viewer: Any, store: Any) -> None:
    store.add(
        Flag(key="checkout.v2", description="<b>new</b> checkout", type="boolean", created_by="alice@example.org")
    )
    text = as_viewer.get("/palette?q=check").text
    assert 'href="/flags/checkout.v2"' in text
    assert "&lt;b&gt;new&lt;/b&gt;" in text
    assert "Nothing is called “zebra”" in as_viewer.fragment.get("/palette?q=zebra").text


def test_the_palette_is_for_people_who_signed_in(client: Any) -> None:
    assert client.get("/palette?q=flags").status_code == 303
    assert client.fragment.get("/palette?q=flags").status_code == 401


@pytest.mark.parametrize("query", ["q=" + "x" * 201, "q=%00", "t=%00"])
def test_a_palette_question_that_cannot_be_asked_is_422(as_viewer: Any, query: str) -> None:
    assert as_viewer.get(f"/palette?{query}").status_code == 422


@pytest.mark.parametrize("query", ["sort=nothing", "page=0", "window=1x", "kind=view", "dir=up"])
def test_the_style_guide_refuses_what_no_list_knows(as_viewer: Any, query: str) -> None:
    assert as_viewer.get(f"/styleguide?{query}").status_code == 422


def test_static_files_are_kept_for_a_year_under_an_address_that_changes(app: Any, client: Any) -> None:
    with app.test_request_context():
        address = asset("css/tokens.css")
    with client.get(address) as kept, client.get("/static/css/tokens.css") as plain:
        assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "immutable" not in plain.headers.get("Cache-Control", "")


def test_hostile_text_shows_as_text_in_every_component(as_viewer: Any) -> None:
    assert "<script>alert" not in as_viewer.get("/styleguide").text
