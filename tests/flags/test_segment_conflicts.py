"""Two people on one segment: another field goes on top, on the same one the second sees all three, nothing is lost."""

import json
import re
from html import unescape
from itertools import count

import pytest

from dashboard.flags.merging import merge
from tests.flags.test_segments import BETA, STAGING, segment

NUMBERS = count()
EDIT = f"{STAGING}/beta"
ORG, NET = {"rule-segment.value": ".org"}, {"rule-segment.value": ".net"}


def sent(version="1", **more):
    return BETA | {"version": version, "operation_id": f"operation-{next(NUMBERS)}"} | more


@pytest.fixture
def changed(as_operator, flags):
    """Version 2, made after the form of version 1 was opened."""
    as_operator.post(STAGING, data=sent("0"))
    assert as_operator.post(EDIT, data=sent(**ORG)).status_code == 303


def test_description_and_rule_are_the_fields():
    base = {"description": "a", "rule": {"==": [1, {"var": "x"}]}}
    described, ruled = base | {"description": "b"}, base | {"rule": {"==": [2, {"var": "x"}]}}
    assert merge([base, described], ruled).document == {"description": "b", "rule": ruled["rule"]}
    assert merge([base, ruled], base | {"rule": {"==": [2.0, {"var": "x"}]}}).contested == ("rule",)


def test_two_people_on_different_fields_both_succeed_and_the_second_one_is_told(as_operator, changed, store):
    answer = as_operator.post(EDIT, data=sent(description="Said better"))
    assert (answer.status_code, answer.location) == (303, f"{EDIT}/history?merged=staging:1:3")
    there = segment(store)
    assert (there.description, there.rule["ends_with"][1], there.version) == ("Said better", ".org", 3)
    page = as_operator.get(answer.location).text
    assert "Version 3 in Staging holds your change" in page
    for foreign in ("production:1:3", "staging:2:3", "staging:1:9", "%00"):
        assert "holds your change" not in as_operator.get(f"{EDIT}/history?merged={foreign}").text


def test_on_the_same_field_the_second_one_sees_all_three_and_nothing_is_lost(as_operator, changed, store):
    page = as_operator.post(EDIT, data=sent(description="Said better", **NET))
    assert (page.status_code, "both changed it" in page.text) == (409, True)
    for words in ("@example.com", ".org", ".net"):
        assert f"<code>email ends with {words}</code>" in page.text
    fields = re.findall(r'<textarea class="hidden" name="(\w+)"[^>]*>\n([^<]*)</textarea>', page.text)
    again = {name: unescape(value) for name, value in fields} | {"version": "2", "operation_id": "on-top-1"}
    assert as_operator.post(EDIT, data=again).status_code == 303
    there = segment(store)
    assert (there.description, there.rule["ends_with"][1], there.version) == ("Said better", ".net", 3)


def test_machines_get_the_plain_conflict(as_operator, changed):
    answer = as_operator.post(EDIT, data=sent(**NET), headers={"Accept": "application/json"})
    assert (answer.status_code, "Somebody else changed beta" in answer.text) == (409, True)


def test_what_others_removed_meanwhile_can_be_brought_back_as_it_was_sent(as_operator, changed, store):
    assert as_operator.post(f"{EDIT}/remove", data={"version": "2"}).status_code == 303
    page = as_operator.post(EDIT, data=sent("2", **NET))
    assert (page.status_code, "was removed meanwhile" in page.text, 'name="version" value="3"' in page.text) == (
        409, True, True,
    )  # fmt: skip
    rule = json.dumps({"ends_with": [{"var": "email"}, ".net"]})
    again = {"description": "x", "rules_view": "json", "text": rule, "version": "3", "operation_id": "sent-again-1"}
    assert as_operator.post(EDIT, data=again).status_code == 303
    assert (segment(store).description, segment(store).version) == ("x", 4)


def test_removing_what_changed_meanwhile_shows_what_it_is_now(as_operator, changed, store):
    page = as_operator.post(f"{EDIT}/remove", data={"version": "1"})
    assert (page.status_code, "Apply mine on top" in page.text) == (409, True)
    assert segment(store) is not None


def test_a_name_that_is_taken_keeps_what_was_typed(as_operator, changed):
    page = as_operator.post(STAGING, data=sent("0", **NET))
    assert page.status_code == 409
    assert "There is a segment of this name here already." in page.text
    assert 'value=".net"' in page.text


def test_a_form_sent_twice_makes_one_version_also_when_it_was_removed_since(as_operator, flags, store):
    form = sent("0")
    assert as_operator.post(STAGING, data=form).status_code == 303
    as_operator.post(f"{EDIT}/remove", data={"version": "1"})
    assert as_operator.post(STAGING, data=form).status_code == 303
    assert segment(store) is None
