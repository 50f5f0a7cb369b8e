"""Configuration: a key with one value per environment, exact, unique, versioned, read like any flag."""

import json

import pytest
from sqlalchemy import select, update

from dashboard.changes.models import Change
from dashboard.errors import Invalid
from dashboard.flags import configuration
from dashboard.flags.models import Flag
from dashboard.flags.rules import Definition
from dashboard.store import db
from dashboard.targets.models import Environment
from tests.flags.conftest import make_flag

LIST = "/configuration"
JSON = {"Accept": "application/json"}


def form(value, **more):
    return {"key": "mail.sender", "value": value, "environments": ["staging"], "operation_id": "operation-1"} | more


def create(browser, value, **more):
    return browser.post(LIST, data=form(value, **more))


def put(browser, value, version=1, **more):
    form = {"value": value, "version": version, "operation_id": f"operation-set-{version}"} | more
    return browser.post(f"{LIST}/mail.sender/in/staging", data=form)


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("true", "boolean"), ('"a"', "string"), ("10", "integer"), ("-0.0", "float"), ("1e20", "float"),
        ("{}", "object"), ("[1]", "object"), ("null", "object"),
    ],
)  # fmt: skip
def test_the_type_is_found_from_the_value(text, type_):
    assert configuration.value_of(text, None)[0] == type_


@pytest.mark.parametrize(
    ("text", "type_", "sentence"),
    [
        ("{", None, "Line 1, column 2"),
        ('{"a": 1,\n"a": 2}', None, "“a” stands twice"),
        ("hello", None, "A text stands in quotes"),
        ("NaN", None, "not a number of JSON"),
        ("", None, "Line 1, column 1"),
        ("null", "integer", "a whole number"),
        ("1.5", "integer", "a whole number"),
        ('"\\u0000"', None, "NUL"),
        ("[" * 70 + "]" * 70, None, "Nested deeper"),
    ],
)
def test_what_is_no_value_is_refused_with_line_and_reason(text, type_, sentence):
    with pytest.raises(Invalid) as refused:
        configuration.value_of(text, type_)
    assert sentence in refused.value.fields["value"]


def test_a_whole_number_may_be_kept_as_one_with_a_fraction():
    assert configuration.value_of("10", "float") == ("float", 10)


def test_a_key_is_made_in_the_environments_that_were_ticked(as_operator, places, store):
    answer = create(as_operator, '{"b": 1e20, "a": [0.0, -0.0, 1]}', environments=["staging", "development"])
    assert (answer.status_code, answer.location) == (303, "/configuration?changed=mail.sender:staging")
    setting = places["mail.sender", "staging"]
    assert (setting.enabled, setting.default_variant, setting.version) == (True, "value", 1)
    assert json.dumps(setting.variants["value"]) == '{"b": 1e+20, "a": [0.0, -0.0, 1]}'
    flag = places.flag("mail.sender")
    assert (flag.kind, flag.type, flag.expected_life_d) == ("configuration", "object", None)
    page = as_operator.get(answer.location).text
    assert "{&#34;b&#34;: 1e+20, &#34;a&#34;: [0.0, -0.0, 1]}" in page
    assert page.count("Set…") == 1
    assert f"id {setting.public_id}" in page


def test_a_second_click_makes_nothing_and_a_second_key_is_refused(as_operator, places):
    assert [create(as_operator, "1").status_code for _ in range(2)] == [303, 303]
    again = create(as_operator, "2", operation_id="operation-2")
    assert (again.status_code, "There is a configuration mail.sender in staging already" in again.text) == (409, True)
    elsewhere = create(as_operator, "2", operation_id="operation-3", environments=["development"])
    assert elsewhere.status_code == 303
    assert places["mail.sender", "development"].variants == {"value": 2}
    other_type = create(as_operator, '"x"', operation_id="operation-4", environments=["production"])
    assert other_type.status_code == 422


@pytest.mark.parametrize(
    ("sent", "status", "words"),
    [
        ({"key": "a b"}, 422, "A key has 1 to 200"),
        ({"value": "{"}, 422, "Line 1, column 2"),
        ({"type": "text"}, 422, "Choose a type"),
        ({"environments": []}, 422, "at least one environment"),
        ({"environments": ["nowhere"]}, 404, "no environment of this name"),
        ({"environments": ["production"]}, 422, "Say why"),
        ({"tags": ","}, 303, ""),
        ({"environments": ["production"], "reason": "launch", "typed_key": "mail.sender"}, 303, ""),
    ],
)
def test_what_is_sent_is_checked(as_operator, places, sent, status, words):
    answer = create(as_operator, **({"value": "1"} | sent))
    assert (answer.status_code, words in answer.text) == (status, True)


def test_a_flag_of_another_kind_and_an_archived_key_are_not_taken_over(as_operator, flags):
    assert create(as_operator, "true", key="checkout").status_code == 409
    create(as_operator, "1")
    archived = {"version": 1, "operation_id": "operation-9", "reason": "gone", "typed_key": "mail.sender"}
    as_operator.post("/flags/mail.sender/archive", data=archived)
    answer = create(as_operator, "2", operation_id="operation-2")
    assert (answer.status_code, "Restore it" in answer.text) == (409, True)
    assert [row["key"] for row in as_operator.get(f"{LIST}?format=json&archived=1").json["rows"]] == ["mail.sender"]


def test_a_value_is_changed_by_version_and_undone(as_operator, places, store):
    create(as_operator, "10")
    answer = put(as_operator, "-0")
    assert (answer.status_code, places["mail.sender", "staging"].version) == (303, 2)
    page = as_operator.get(answer.location).text
    assert "mail.sender is 0 in Staging." in page
    assert "Undo" in page
    undone = as_operator.post("/flags/mail.sender/in/staging/revert", data={"to": 1, "version": 2})
    assert (undone.status_code, places["mail.sender", "staging"].variants) == (303, {"value": 10})
    titles = store.scalars(select(Change.title).where(Change.subject == "mail.sender").order_by(Change.id)).all()
    assert titles[-1] == "mail.sender reverted to version 1 in staging"


def test_two_people_on_one_value_see_both_and_on_other_fields_both_succeed(as_operator, places):
    create(as_operator, "10")
    as_operator.post("/flags/mail.sender/in/staging/toggle", data={"enabled": "off", "version": 1})
    assert put(as_operator, "11", version=1).status_code == 303
    setting = places["mail.sender", "staging"]
    assert (setting.enabled, setting.variants, setting.version) == (False, {"value": 11}, 3)
    late = put(as_operator, "12", version=1, operation_id="operation-late")
    assert (late.status_code, "Apply mine on top" in late.text) == (409, True)
    machine = as_operator.post(f"{LIST}/mail.sender/in/staging", json={"value": 12, "version": 1}, headers=JSON)
    assert (machine.status_code, "changed mail.sender meanwhile" in machine.json["error"]["message"]) == (409, True)


def test_a_key_with_a_rule_is_edited_as_a_flag(app, as_operator, places):
    create(as_operator, "true")
    ruled = Definition(True, {"value": True, "no": False}, "value", {"if": [{"var": "beta"}, "no"]})
    with app.app_context():
        make_flag("ruled", definition=ruled)
        places.flag("ruled")
        db.session.execute(Flag.__table__.update().where(Flag.key == "ruled").values(kind="configuration"))
        db.session.commit()
    answer = as_operator.get(f"{LIST}/ruled/in/staging")
    assert (answer.status_code, answer.location) == (303, "/flags/ruled/in/staging")
    refused = as_operator.post(f"{LIST}/ruled/in/staging", data={"value": "false", "version": 1})
    assert (refused.status_code, "page of the flag" in refused.text) == (409, True)


def test_where_others_approve_a_value_waits(app, as_operator, places, store):
    create(as_operator, "1")
    store.execute(update(Environment).where(Environment.slug == "staging").values(approvals_needed=1))
    answer = put(as_operator, "2", reason="because")
    assert (answer.status_code, answer.location.startswith("/approvals/")) == (303, True)
    assert places["mail.sender", "staging"].variants == {"value": 1}


def test_a_schema_holds_for_values(as_operator, places, store):
    create(as_operator, '{"limit": 1}')
    places.flag("mail.sender").json_schema = {"properties": {"limit": {"maximum": 10}}}
    store.commit()
    answer = put(as_operator, '{"limit": 11}')
    assert (answer.status_code, "$.limit does not fit “maximum”: 10" in answer.text) == (422, True)


def test_viewers_read_and_change_nothing(as_viewer, as_operator, places):
    create(as_operator, "1")
    assert (create(as_viewer, "2").status_code, put(as_viewer, "2").status_code) == (403, 403)
    assert as_viewer.get(LIST).status_code == as_viewer.fragment.get(LIST).status_code == 200
    assert as_viewer.get(f"{LIST}/mail.sender").location == "/flags/mail.sender"
    assert as_viewer.get(f"{LIST}/new").status_code == 403
    assert as_viewer.get(f"{LIST}/checkout").status_code == 404


def test_the_list_asks_as_many_questions_for_many_keys(app, as_viewer, as_operator, places, queries):
    asked = []
    for number in range(6):
        create(as_operator, "1", key=f"key-{number}", operation_id=f"operation-{number}")
        if number in {0, 5}:
            as_viewer.get(LIST)
            with queries(app) as seen:
                as_viewer.get(LIST)
            asked.append(len(seen))
    assert asked[0] == asked[1] <= 10


@pytest.mark.parametrize("path", ["/flags/turned", LIST])
def test_values_that_turn_the_order_of_text_show_that_they_do(app, as_viewer, path):
    with app.app_context():
        make_flag("turned", "string", Definition(True, {"value": "\u202elive"}, "value"))
        db.session.get_one(Flag, db.session.scalar(select(Flag.id))).kind = configuration.KIND
        db.session.commit()
    page = as_viewer.get(path).text
    assert ("\\u202elive" in page, "\u202e" in page) == (True, False)
