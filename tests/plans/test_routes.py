"""The pages of plans: asking, keeping, comparing; who may, and what is never shown."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.plans.models import Plan, PlanQuestion
from dashboard.security.models import AuditEntry
from tests.plans.conftest import PEEK, Shop

BY_CUSTOMER = "select count(*) from orders where customer_id = $1"
HOSTILE = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}"


def stored(store: Session) -> list[Plan]:
    store.expire_all()
    return list(store.scalars(select(Plan).order_by(Plan.id)))


def plain(answer: Any) -> str:
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_an_operator_asks_and_is_led_to_the_plan(shop: Shop, as_operator: Any, store: Session) -> None:
    url = shop.plans(BY_CUSTOMER)
    answer = as_operator.post(url, data={"kind": "generic"})
    (plan,) = stored(store)
    assert (answer.status_code, answer.location) == (303, f"{url}/{plan.id}")
    page = plain(as_operator.get(answer.location))
    assert "Index Only Scan using orders_customer on public.orders" in page
    assert "Nothing was run" in page
    assert plan.asked_by.startswith("operator-")


def test_a_fragment_is_led_there_too(shop: Shop, as_operator: Any, store: Session) -> None:
    url = shop.plans(BY_CUSTOMER)
    answer = as_operator.fragment.post(url, data={"kind": "generic"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, f"{url}/{stored(store)[0].id}")


def test_each_question_is_audited_without_values(shop: Shop, as_operator: Any, store: Session) -> None:
    form = {"kind": "values", "value1": "4711", "type1": "integer"}
    as_operator.post(shop.plans(BY_CUSTOMER), data=form)
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "plan.ask")).one()
    assert (entry.subject, entry.after["options"], entry.after["types"]) == ("target:shop", "values", ["integer"])
    assert "4711" not in json.dumps([entry.before, entry.after, entry.reason])


def test_values_are_not_stored(shop: Shop, as_operator: Any, store: Session) -> None:
    form = {"kind": "values", "value1": "the secret value"}
    url = shop.plans("select * from customers where email = $1")
    as_operator.post(url, data=form)
    (plan,) = stored(store)
    assert plan.document["Plan"]["Filter"] == "(customers.email = ?::text)"
    assert "the secret value" not in plain(as_operator.get(url))


def test_what_planning_read_is_not_stored(shop: Shop, as_operator: Any, store: Session) -> None:
    shop.database.execute(PEEK)
    as_operator.post(shop.plans("select * from customers where secret = peek()"), data={"kind": "generic"})
    assert stored(store)[0].document["Plan"]["Filter"] == "(customers.secret = ?::text)"


def test_run_once_needs_a_confirmation(shop: Shop, as_operator: Any, store: Session) -> None:
    url, form = shop.plans(BY_CUSTOMER), {"kind": "analyze", "value1": "7"}
    refused = as_operator.post(url, data=form, headers={"Accept": "application/json"})
    assert (refused.status_code, list(refused.json["error"]["fields"])) == (422, ["confirmed"])
    page = plain(as_operator.get(as_operator.post(url, data=form | {"confirmed": "yes"}).location))
    assert "rolled back" in page
    assert stored(store)[0].execution_ms > 0


def test_a_statement_that_writes_is_never_run(shop: Shop, as_operator: Any, store: Session) -> None:
    url, role = shop.plans("with gone as (delete from orders returning id) select count(*) from gone"), shop.explainer
    with shop.changed(f"grant delete on orders to {role}", f"revoke delete on orders from {role}"):
        as_operator.post(url, data={"kind": "analyze", "confirmed": "yes"})
    assert stored(store) == []
    assert "does nothing but read" in plain(as_operator.get(url))
    assert shop.database.execute("select count(*) from orders") == [(4_000,)]


def test_a_refusal_is_told_with_its_remedy_and_the_older_plan_stays(shop: Shop, as_operator: Any) -> None:
    url = shop.plans(BY_CUSTOMER)
    as_operator.post(url, data={"kind": "generic"})
    role = shop.explainer
    with shop.changed(f"revoke select on orders from {role}", f"grant select on orders to {role}"):
        answer = as_operator.post(url, data={"kind": "generic"})
    page = plain(as_operator.get(answer.location))
    assert "may not read what the statement reads. (SQLSTATE 42501)" in page
    assert "Below is what was known before" in page
    assert "orders_customer" in page


def test_the_same_shape_goes_on_and_another_one_begins(shop: Shop, as_operator: Any, store: Session) -> None:
    url = shop.plans(BY_CUSTOMER)
    as_operator.post(url, data={"kind": "generic"})
    with shop.changed("drop index orders_customer", "create index orders_customer on orders (customer_id)"):
        for _ in range(2):
            as_operator.post(url, data={"kind": "generic"})
    before, after = stored(store)
    assert (before.valid_until, after.valid_until) == (after.valid_from, None)
    assert after.seen_at > after.valid_from
    page = plain(as_operator.get(f"{url}/compare?a={before.id}&b={after.id}"))
    assert "changed" in page
    assert "Seq Scan on public.orders" in page
    rows = as_operator.get(f"{url}?format=json").json["rows"]
    assert [(row["kind"], row["valid_until"] is None) for row in rows] == [("generic", True), ("generic", False)]


def test_viewers_see_plans_and_cannot_ask(shop: Shop, as_operator: Any, as_viewer: Any, client: Any) -> None:
    url = shop.plans(BY_CUSTOMER)
    as_operator.post(url, data={"kind": "generic"})
    page = plain(as_viewer.get(url))
    assert "orders_customer" in page
    assert "Asking takes the role operator." in page
    assert as_viewer.post(url, data={"kind": "generic"}).status_code == 403
    assert client.post(url, data={"kind": "generic"}).status_code in {302, 303, 401}
    assert client.get(url).status_code in {302, 303, 401}


def test_a_post_without_the_token_is_refused(shop: Shop, as_operator: Any, store: Session) -> None:
    as_operator.post(shop.plans(BY_CUSTOMER), data={"kind": "generic"}, csrf=False)
    assert stored(store) == []


def test_a_plan_is_told_as_json_csv_text_and_document(shop: Shop, as_operator: Any, store: Session) -> None:
    url = shop.plans(BY_CUSTOMER)
    as_operator.post(url, data={"kind": "generic"})
    one = f"{url}/{stored(store)[0].id}"
    nodes = as_operator.get(f"{one}?format=json").json["rows"]
    assert (nodes[0]["kind"], nodes[1]["index"], nodes[1]["rows_actual"]) == ("Aggregate", "orders_customer", None)
    assert as_operator.get(f"{one}?format=csv").get_data(as_text=True).startswith("number,depth,title")
    assert as_operator.get(f"{one}/plan.json").json[0]["Plan"]["Node Type"] == "Aggregate"
    assert "Index Only Scan using orders_customer" in as_operator.get(f"{one}/plan.txt").get_data(as_text=True)


def test_page_fragment_and_section_hold_the_same(shop: Shop, as_operator: Any) -> None:
    url = shop.plans(BY_CUSTOMER)
    as_operator.post(url, data={"kind": "generic"})
    fragment, section = plain(as_operator.fragment.get(url)), plain(as_operator.fragment.get(f"{url}/section"))
    assert "<title>Plans of query" in fragment
    assert "<html" not in fragment
    assert section.strip().startswith('<section class="panel" id="plans">')
    assert "orders_customer" in section
    assert as_operator.get(f"{url}/section").location == url


def test_hostile_names_show_as_text(shop: Shop, as_operator: Any) -> None:
    shop.database.execute(f'create table if not exists "{HOSTILE.replace(chr(34), chr(34) * 2)}" (id int)')
    name = HOSTILE.replace('"', '""')
    shop.database.execute(f"grant select on all tables in schema public to {shop.explainer}")
    url = shop.plans(f'select * from "{name}" where id = $1')
    answer = as_operator.post(url, data={"kind": "generic"})
    for page in (plain(as_operator.get(answer.location)), plain(as_operator.get(url))):
        assert "<img src=x" not in page
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
        assert "{{ 7*7 }}" in page


def test_without_opting_in_the_page_says_how(shop: Shop, as_viewer: Any, opt_out: Callable[[], None]) -> None:
    opt_out()
    page = plain(as_viewer.get(shop.plans(BY_CUSTOMER)))
    assert "CREATE" in page
    assert "dash_explain" in page
    assert "Explain now" not in page


def test_a_text_that_was_cut_has_no_form(shop: Shop, as_operator: Any) -> None:
    url = f"/t/shop/queries/{shop.family('select 1', is_truncated=True)}/plans"
    page = plain(as_operator.get(url))
    assert "Only the first 10 000 characters" in page
    assert "Explain now" not in page


BAD = (
    ({"kind": "verbose"}, "kind"),
    ({"kind": "values", "value1": "a\x00b"}, "value1"),
    ({"kind": "values", "type1": "int); drop table orders"}, "type1"),
)


@pytest.mark.parametrize(("form", "field"), BAD)
def test_bad_input_names_its_field(shop: Shop, as_operator: Any, form: dict[str, str], field: str) -> None:
    answer = as_operator.post(shop.plans(BY_CUSTOMER), data=form, headers={"Accept": "application/json"})
    assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [field])


def test_what_does_not_exist_is_404(shop: Shop, as_operator: Any) -> None:
    url = shop.plans(BY_CUSTOMER)
    for path in (f"{url}/1", f"{url}/x", f"{url}/1/plan.json", "/t/shop/queries/999/plans", f"{url}/compare?a=1&b=2"):
        assert as_operator.get(path).status_code == 404
    assert as_operator.post("/t/shop/queries/999/plans", data={"kind": "generic"}).status_code == 404
    assert as_operator.get(f"{url}/compare?a=x&b=2").status_code == 422


def test_a_plan_of_another_query_is_404(shop: Shop, as_operator: Any, store: Session) -> None:
    as_operator.post(shop.plans(BY_CUSTOMER), data={"kind": "generic"})
    other = shop.plans("select 1")
    assert as_operator.get(f"{other}/{stored(store)[0].id}").status_code == 404


def test_a_target_that_does_not_answer_is_said_and_nothing_breaks(shop: Shop, as_operator: Any, store: Session) -> None:
    url = shop.plans(BY_CUSTOMER)
    with shop.changed(f"alter role {shop.explainer} nologin", f"alter role {shop.explainer} login"):
        as_operator.post(url, data={"kind": "generic"})
    assert store.scalars(select(PlanQuestion.refusal)).one().startswith("The server refused the sign-in")
    assert "refused the sign-in" in plain(as_operator.get(url))


def test_a_thousand_nodes_are_one_light_page(shop: Shop, as_operator: Any, store: Session) -> None:
    url = shop.plans(" union all ".join(f"(select {n} from orders where id = $1 limit 1)" for n in range(480)))
    answer = as_operator.post(url, data={"kind": "generic"})
    assert stored(store)[0].nodes > 900
    page = as_operator.get(answer.location)
    assert page.get_data(as_text=True).count("<tr") > 900
    assert len(gzip.compress(page.data)) < 60_000
    assert "Copy JSON" not in page.get_data(as_text=True)
    assert page.get_data(as_text=True).count("plan.json") == 1
