"""The rules' form: every button is a plain submit, what is saved is standard flagd JSON, and moves are said before."""

import re

import pytest

from dashboard.flags import rollout

URL = "/flags/checkout/in/staging/set"
BASE = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1", "rules_view": "form"}
BASE |= {"targeting": "", "version": "1"}
RULE = {"rule": "rule-1", "rule-1.attribute": "country", "rule-1.operator": "one_of", "rule-1.value": "de, at"}
GIVES_ON = {"rule-1.outcome": "variant:on"}
IS_ALPINE = {"and": ["rule-1", {"in": [{"var": "country"}, ["de", "at"]]}]}


def split(place, on, off):
    return {f"{place}.outcome": "rollout", f"{place}.share_of": ["on", "off"], f"{place}.share": [on, off]}


def test_rules_are_saved_as_flagd_json_and_shown_again(as_operator, flags):
    answer = as_operator.post(URL, data=BASE | RULE | GIVES_ON | split("otherwise", "10", "90"))
    assert answer.status_code == 303
    stored = flags["checkout", "staging"].targeting
    key = {"cat": ["checkout", {"var": "targetingKey"}]}
    assert stored == {"if": [IS_ALPINE, "on", {"fractional": [key, ["on", 10], ["off", 90]]}]}
    page = as_operator.get("/flags/checkout/in/staging").text
    assert 'value="de, at"' in page
    assert re.search(r'name="otherwise.share" value="10"', page)


def test_growing_a_share_in_the_form_keeps_the_intervals_and_says_who_moves(as_operator, flags):
    as_operator.post(URL, data=BASE | split("otherwise", "10", "90"))
    held = as_operator.get("/flags/checkout/in/staging").text
    basis = re.search(r'name="targeting" value="([^"]*)"', held).group(1).replace("&#34;", '"')
    grown = BASE | split("otherwise", "13,1", "86.9") | {"version": "2", "targeting": basis}
    page = as_operator.post(URL, data=grown | {"action": "preview"})
    assert (page.status_code, "3.1 % move from off to on." in page.text) == (200, True)
    assert flags["checkout", "staging"].version == 2
    same = as_operator.post(URL, data=grown | split("otherwise", "10", "90") | {"action": "preview"})
    assert "0 users move" in same.text
    assert as_operator.post(URL, data=grown).status_code == 303
    assert rollout.shares(rollout.read(flags["checkout", "staging"].targeting)) == {"on": 13_100, "off": 86_900}


@pytest.mark.parametrize(
    ("action", "there", "gone"),
    [
        ("rule-add", "Rule 2", None),
        ("rule-remove:rule-1", "Everybody gets", "Rule 1"),
        ("condition-add:rule-1", "Value of condition 2 of rule 1", None),
        ("condition-remove:rule-1:0", "Rule 1", "Value of condition 1 of rule 1"),
        ("rule-down:rule-1", "Rule 1", "Rule 2"),
        ("rule-up:rule-9", "Rule 1", "Rule 2"),
        ("rules-json", "&#34;country&#34;", "Move rule 1 up"),
    ],
)
def test_the_buttons_work_without_a_script(as_operator, flags, action, there, gone):
    answer = as_operator.post(URL, data=BASE | RULE | GIVES_ON | {"action": action})
    assert (answer.status_code, there in answer.text) == (200, True)
    assert gone is None or gone not in answer.text
    assert flags["checkout", "staging"].targeting is None


def test_rules_change_places(as_operator, flags):
    second = {"rule": ["rule-1", "rule-2"], "rule-2.attribute": "plan", "rule-2.operator": "exists", "rule-2.value": ""}
    answer = as_operator.post(URL, data=BASE | RULE | second | {"action": "rule-up:rule-2"})
    assert answer.text.index('id="rule-2"') < answer.text.index('id="rule-1"')


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"rule-1.attribute": ""}, "rule-1.0", "Name the attribute"),
        ({"rule-1.operator": "guess"}, "rule-1.0", "Choose an operator"),
        ({"rule-1.operator": "above"}, "rule-1.0", "Type a number"),
        ({"rule-1.operator": "segment"}, "rule-1.0", "Choose a segment"),
        ({"rule-1.outcome": "variant:gone"}, "rule-1.outcome", "There is no variant"),
        (split("rule-1", "50", "49.9"), "rule-1.share", "add up to 99.9 %"),
        (split("rule-1", "50", "half"), "rule-1.share", "between 0 and 100"),
        (split("rule-1", "50", "50") | {"rule-1.seed": "x" * 201}, "rule-1.seed", "A seed has"),
        ({"rule-1.attribute": [], "rule-1.operator": [], "rule-1.value": []}, "rule-1", "needs a condition"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(as_operator, flags, wrong, field, sentence):
    answer = as_operator.post(URL, data=BASE | RULE | GIVES_ON | wrong)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    assert flags["checkout", "staging"].targeting is None


def test_json_that_the_form_cannot_show_stays_editable_and_says_so(as_operator, flags):
    odd = '{"if": [{"or": [{"var": "a"}, {"var": "b"}]}, "on"]}'
    as_json = BASE | {"rules_view": "json", "targeting": odd}
    assert as_operator.post(URL, data=as_json).status_code == 303
    page = as_operator.get("/flags/checkout/in/staging").text
    assert "<textarea" in page[page.index('id="rules"') :]
    refused = as_operator.post(URL, data=as_json | {"version": "2", "action": "rules-form"})
    assert (refused.status_code, "Only JSON can say this rule" in refused.text) == (422, True)
    plain = '{"if": [{"==": [{"var": "a"}, 1]}, "on"]}'
    shown = as_operator.post(URL, data=as_json | {"version": "2", "action": "rules-form", "targeting": plain})
    assert (shown.status_code, "Rule 1" in shown.text) == (200, True)


def test_a_form_that_changes_no_rule_keeps_the_json_as_it_was_written(as_operator, flags):
    written = '{"if": [{"==": [{"var": "a"}, 1]}, "on", null]}'
    as_operator.post(URL, data=BASE | {"rules_view": "json", "targeting": written})
    rule = {"rule": "rule-1", "rule-1.attribute": "a", "rule-1.operator": "equals", "rule-1.value": "1"}
    form = BASE | rule | GIVES_ON | {"version": "2", "targeting": written, "default": "0"}
    assert as_operator.post(URL, data=form).status_code == 303
    assert flags["checkout", "staging"].targeting == {"if": [{"==": [{"var": "a"}, 1]}, "on", None]}


def test_a_conflict_keeps_the_rules_of_the_form(as_operator, flags):
    theirs = '{"if": [{"==": [{"var": "plan"}, "free"]}, "on"]}'
    as_operator.post(URL, data=BASE | {"targeting": theirs, "rules_view": "json"})
    answer = as_operator.post(URL, data=BASE | RULE | GIVES_ON)
    assert answer.status_code == 409
    fields = dict(re.findall(r'<textarea class="hidden" name="([^"]+)"[^>]*>\n([^<]*)<', answer.text))
    assert "rules_view" not in fields
    assert "country" in fields["targeting"]


def test_a_new_flag_may_begin_with_rules(as_operator, store):
    form = BASE | RULE | GIVES_ON | split("otherwise", "50", "50") | {"key": "fresh", "type": "boolean"}
    assert "Rule 1" in as_operator.post("/flags", data=form | {"action": "condition-add:rule-1"}).text
    assert as_operator.post("/flags", data=form | {"environments": "staging"}).status_code in {303, 404}
