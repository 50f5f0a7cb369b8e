"""The schema pages and the diagram as page, fragment, JSON and CSV; refusals; hostile names; what they cost."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from dashboard.names import encode
from dashboard.schema.diagram import MOST_TABLES

SHOP = """
create schema billing;
create type state as enum ('new', 'paid');
create table customers (id bigint primary key, email text not null);
create table orders (id bigint primary key, customer_id bigint references customers, state state default 'new');
create table billing.invoices (id bigint primary key, order_id bigint references orders);
comment on table orders is 'What was bought';
create view paid as select id from orders;
create table days (at date) partition by range (at);
create table days_1 partition of days default;
"""
PAGES = [
    "/t/shop/schema",
    "/t/shop/schema/public.orders",
    "/t/shop/schema/diagram",
    "/t/shop/schema/diagram?focus=public.orders",
]
HOSTILE = Path(__file__).parent.parent / "hostile.sql"


@pytest.fixture
def shop(target_db, collected):
    target_db.execute(SHOP)
    collected()
    return target_db


@pytest.mark.parametrize("url", PAGES)
def test_a_page_shows_in_full_and_as_a_fragment(shop, as_viewer, url) -> None:
    whole, part = as_viewer.get(url), as_viewer.fragment.get(url)
    assert (whole.status_code, part.status_code) == (200, 200)
    assert "orders" in whole.text
    assert "<html" not in part.text
    assert " style=" not in whole.text
    assert as_viewer.head(url).status_code == 200


@pytest.mark.parametrize("url", PAGES)
def test_nobody_sees_the_schema_without_signing_in(shop, client, url) -> None:
    assert client.get(url).status_code in {302, 303}


@pytest.mark.parametrize("url", PAGES)
def test_a_page_is_only_read(shop, as_viewer, url) -> None:
    assert as_viewer.post(url).status_code == 405


@pytest.mark.parametrize(
    "url",
    [
        "/t/none/schema", "/t/shop/schema/public.none", "/t/shop/schema/orders", "/t/shop/schema/a.b.c",
        "/t/shop/schema/diagram?focus=public.none", "/t/shop/schema/diagram?focus=x", "/t/none/schema/diagram",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found_in_every_form(shop, as_viewer, url) -> None:
    assert as_viewer.get(url).status_code == 404
    assert as_viewer.fragment.get(url).status_code == 404


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("/t/shop/schema?sort=detail", "sort"),
        ("/t/shop/schema?kind=index", "kind"),
        ("/t/shop/schema?page=-1", "page"),
        ("/t/shop/schema/diagram?hops=3", "hops"), ("/t/shop/schema/diagram?columns=some", "columns"),
        ("/t/shop/schema/public.orders?sort=oid", "sort"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_asked_is_refused_with_its_field(shop, as_viewer, url, field) -> None:
    answer = as_viewer.get(url, headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert list(answer.json["error"]["fields"]) == [field]


def test_json_and_csv_have_the_same_rows(shop, as_viewer) -> None:
    found = as_viewer.get("/t/shop/schema?format=json&sort=referenced_by_count").json
    assert found["rows"][0]["name"] in {"customers", "orders"}
    assert {row["name"]: row["kind"] for row in found["rows"]} == {
        "customers": "table", "orders": "table", "invoices": "table", "paid": "view", "state": "enum",
        "days": "partitioned table",
    }  # fmt: skip
    assert as_viewer.get("/t/shop/schema?format=csv").text.count("\n") == found["total"] + 1


def test_every_field_of_the_json_rows_sorts_both_ways(shop, as_viewer) -> None:
    for field in as_viewer.get("/t/shop/schema?format=json").json["rows"][0]:
        for direction in ("asc", "desc"):
            assert as_viewer.get(f"/t/shop/schema?sort={field}&dir={direction}").status_code == 200


def test_names_and_comments_are_found_and_kinds_filtered(shop, as_viewer) -> None:
    def names(asked: str) -> list[str]:
        return [row["name"] for row in as_viewer.get(f"/t/shop/schema?format=json&{asked}").json["rows"]]

    assert names("q=bought") == ["orders"]
    assert names("kind=view") == ["paid"]
    assert names("schema=billing") == ["invoices"]
    assert names("q=days&partitions=shown") == ["days", "days_1"]


def test_a_table_tells_its_columns_keys_and_who_refers_to_it(shop, as_viewer) -> None:
    text = as_viewer.get("/t/shop/schema/public.orders").text
    for word in ("customer_id", "public.state", "What was bought", "orders_pkey", "invoices", "not null"):
        assert word in text
    rows = as_viewer.get("/t/shop/schema/public.orders?format=json").json["rows"]
    assert [row["name"] for row in rows] == ["id", "customer_id", "state"]


def test_an_enum_shows_its_labels_and_who_uses_it(shop, as_viewer) -> None:
    text = as_viewer.get("/t/shop/schema/public.state").text
    assert "paid" in text
    assert '/t/shop/schema/public.orders"' in text


def test_the_diagram_has_a_link_for_every_table_and_an_arrow_for_every_key(shop, as_viewer) -> None:
    text = as_viewer.get("/t/shop/schema/diagram?focus=public.orders").text
    assert re.findall(r'class="node" data-kind="r".*?aria-label="([^"]*)"', text) == [
        "orders", "customers", "billing.invoices",
    ]  # fmt: skip
    assert text.count('class="edge"') == 2
    assert "public.orders refers to public.customers (customer_id → id)" in text
    assert "The same as a list" in text


def test_two_steps_reach_further_than_one(shop, as_viewer) -> None:
    near = as_viewer.get("/t/shop/schema/diagram?focus=billing.invoices").text
    far = as_viewer.get("/t/shop/schema/diagram?focus=billing.invoices&hops=2").text
    assert (near.count('class="node"'), far.count('class="node"')) == (2, 3)
    assert "1 reference lead" in near


def test_a_hub_shows_sixty_tables_and_says_how_many_are_hidden(target_db, collected, as_viewer) -> None:
    target_db.execute("create table hub (id int primary key)")
    target_db.execute("".join(f"create table t{number} (id int references hub);" for number in range(80)))
    collected()
    text = as_viewer.get("/t/shop/schema/diagram?focus=public.hub&hops=2&columns=none").text
    assert text.count('class="node"') == MOST_TABLES
    assert "21 references lead out of the picture" in text
    beside = as_viewer.get("/t/shop/schema/diagram?focus=public.t5&hops=2").text
    assert beside.count('class="node"') == 2


def test_without_a_focus_there_is_one_box_per_schema_and_where_to_start(shop, as_viewer) -> None:
    text = as_viewer.get("/t/shop/schema/diagram").text
    assert text.count('class="node" data-kind="schema"') == 2
    assert "1 foreign keys of billing refer to public" in text
    assert "focus=public.orders" in text


def test_before_the_first_collection_and_in_an_empty_database_the_pages_say_so(target_db, collected, as_viewer) -> None:
    assert "Not collected yet" in as_viewer.get("/t/shop/schema").text
    assert "Not collected yet" in as_viewer.get("/t/shop/schema/diagram").text
    collected()
    assert "This database has no tables" in as_viewer.get("/t/shop/schema").text
    assert "Nothing to draw" in as_viewer.get("/t/shop/schema/diagram").text


def test_hostile_names_show_as_text_on_every_page(target_db, collected, as_viewer) -> None:
    target_db.execute(HOSTILE.read_text("utf-8"))
    collected()
    rows = as_viewer.get("/t/shop/schema?format=json").json["rows"]
    assert len(rows) == 11
    addresses = [quote(encode(row["schema"], row["name"])) for row in rows]
    urls = ["/t/shop/schema", "/t/shop/schema/diagram", *(f"/t/shop/schema/{address}" for address in addresses)]
    urls += [f"/t/shop/schema/diagram?focus={address}&hops=2&columns=all" for address in addresses]
    for url in urls:
        answer = as_viewer.get(url)
        assert answer.status_code == 200, url
        for bad in ("<script>alert", "<img src=x", "<svg onload", "<iframe", "</textarea>", "{{ 49", "<b>bold"):
            assert bad not in answer.text, url


def test_pages_cost_the_same_few_questions_for_any_number_of_tables(shop, collected, as_viewer, app, queries) -> None:
    def costs() -> list[int]:
        counts = []
        for url in PAGES:
            with queries(app) as seen:
                as_viewer.get(url)
            counts.append(len([statement for statement in seen if " schema_" in statement]))
        return counts

    few = costs()
    shop.execute("".join(f"create table t{number} (id bigint references orders);" for number in range(30)))
    collected()
    assert costs() == few
    assert few == [3, 8, 3, 6]
