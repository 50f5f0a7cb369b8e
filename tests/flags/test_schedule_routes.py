"""/flags/schedules and a flag's form for it: who may plan what, once, for which second, and take it back."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.security.models import Account, AuditEntry, EnvironmentRole
from dashboard.targets.models import Environment

FORM = "/flags/checkout/in/staging/schedule"
IN_PRODUCTION = "/flags/checkout/in/production/schedule"
SET = "/flags/checkout/in/staging/set"
VARIANTS = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1", "enabled": "on"}
RAMP = {"what": "ramp", "variant": "on", "share": "50", "steps": "2", "every": "3", "unit": "hours"}
WRONG = [
    ({"what": "explode"}, "what"),
    ({"at": ""}, "at"),
    ({"at": "tomorrow"}, "at"),
    ({"at": "2020-01-01T00:00"}, "at"),
    ({"at": "1970-01-01T00:00"}, "at"),
    ({"at": "0001-01-01T00:00+14:00"}, "at"),
    ({"at": "9999-12-31T23:59"}, "at"),
    ({"at": "2090-01-01T00:00"}, "at"),
    ({"version": "x"}, "version"),
    ({"operation_id": "short"}, "operation_id"),
    ({"what": "off"}, "at"),
    (RAMP | {"share": "0"}, "share"),
    (RAMP | {"share": "101"}, "share"),
    (RAMP | {"steps": "many"}, "steps"),
    (RAMP | {"every": "99999", "unit": "days"}, "every"),
    (RAMP | {"unit": "moons"}, "every"),
    (RAMP | {"variant": "blue"}, "variant"),
    (RAMP | {"at": "9999-12-31T23:59"}, "at"),
]
NOBODY = "8d8f4f52-5bb0-4d7c-9b0d-3c3c3c3c3c3c"


def at(**later):
    return f"{datetime.now(UTC) + timedelta(**later):%Y-%m-%dT%H:%M}"


def form(**more):
    return {"what": "on", "version": 1, "operation_id": "operation-1", "at": at(hours=3)} | more


@pytest.fixture
def planned(as_operator, flags, store):
    """Plan something, and what the store has of it."""

    def plan(url=FORM, **more):
        answer = as_operator.post(url, data=form(**more))
        assert answer.status_code == 303, answer.text
        store.expire_all()
        return store.scalars(select(FlagSchedule).order_by(FlagSchedule.id.desc()).limit(1)).one()

    return plan


def test_it_is_planned_once_recorded_and_nothing_changes_until_then(as_operator, flags, store):
    for _ in range(2):
        assert as_operator.post(FORM, data=form(reason="launch")).location == "/flags/checkout"
    found = store.scalars(select(FlagSchedule)).one()
    assert (found.state, found.reason, found.stands_on, found.is_approved) == ("pending", "launch", 1, False)
    assert (flags["checkout", "staging"].enabled, flags["checkout", "staging"].version) == (False, 1)
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "flag.schedule")).one()
    assert (entry.author, entry.before["state"], entry.after["state"], entry.reason) == (
        found.author, "off", "on", "launch",
    )  # fmt: skip
    assert store.scalars(select(Change).where(Change.title == found.title)).one().author == found.author


def test_pages_show_as_page_and_as_fragment(as_operator, planned):
    planned(IN_PRODUCTION, reason="launch", typed_key="checkout")
    for url in ("/flags/schedules", FORM, f"{FORM}?what=ramp", f"{FORM}?what=off", IN_PRODUCTION):
        assert "</html>" in as_operator.get(url).text
        fragment = as_operator.fragment.get(url)
        assert (fragment.status_code, "</html>" in fragment.text) == (200, False)


def test_the_card_the_form_and_the_list_say_what_is_to_come_when_and_how_to_stop_it(as_operator, as_viewer, planned):
    found = planned(**RAMP, reason="slowly")
    for url in ("/flags/checkout", FORM, "/flags/schedules", SET.removesuffix("/set")):
        page = as_operator.get(url).text
        for words in ("checkout: on to grow to 50 % in staging", "in 2 h", "slowly", f"/{found.public_id}/cancel"):
            assert words in page, (url, words)
    assert "25\N{NO-BREAK SPACE}% on, 75\N{NO-BREAK SPACE}% off" in as_operator.get(FORM).text
    for url in ("/flags/checkout", "/flags/schedules"):
        assert f"/{found.public_id}/cancel" not in as_viewer.get(url).text
    assert "Cancelling takes the role operator" in as_viewer.get("/flags/schedules").text


def test_the_list_is_json_and_csv_is_searched_and_sorted(as_viewer, planned):
    found = planned(reason="launch")
    row = as_viewer.get("/flags/schedules?format=json").json["rows"][0]
    assert row["id"] == str(found.public_id)
    assert (row["flag"], row["environment"], row["state"], row["steps"], row["done"]) == (
        "checkout", "staging", "pending", 1, 0,
    )  # fmt: skip
    assert "launch" in as_viewer.get("/flags/schedules?format=csv").text
    for query, total in (("q=LAUNCH", 1), ("q=%25", 0), ("state=void", 0), ("environment=staging&state=pending", 1)):
        assert as_viewer.get(f"/flags/schedules?format=json&{query}").json["total"] == total
    for sort in ("next_at", "flag", "title", "created_at"):
        assert as_viewer.get(f"/flags/schedules?format=json&dir=desc&sort={sort}").json["total"] == 1
    assert as_viewer.get("/flags/schedules?state=nothing").status_code == 422


def test_an_empty_list_says_so(as_viewer):
    assert "Nothing is scheduled, and never was" in as_viewer.get("/flags/schedules").text
    assert "Nothing fits" in as_viewer.get("/flags/schedules?q=x").text


def test_writes_refuse_strangers_viewers_get_forgery_and_what_is_not_there(
    client, as_viewer, as_operator, planned, flags
):
    cancel = f"/flags/schedules/{planned().public_id}/cancel"
    for url in (FORM, cancel):
        assert client.post(url, data=form()).status_code in {303, 401}
        assert as_viewer.post(url, data=form()).status_code == 403
        assert as_viewer.fragment.post(url, data=form()).headers["HX-Retarget"] == "#notices"
        assert as_operator.post(url, data=form(), csrf=False).status_code == 400
    assert as_operator.get(cancel).status_code == 405
    assert as_viewer.get(FORM).status_code == 403
    for other in (NOBODY, "nothing", "%00"):
        assert as_operator.post(f"/flags/schedules/{other}/cancel").status_code == 404
    for url in (FORM.replace("checkout", "nothing"), FORM.replace("staging", "nowhere")):
        assert (as_operator.get(url).status_code, as_operator.post(url, data=form()).status_code) == (404, 404)


def test_bad_input_is_refused_with_the_field_named(as_operator, flags, store):
    for sent, field in WRONG:
        page = as_operator.post(FORM, data=form(**sent))
        machine = as_operator.post(FORM, data=form(**sent), headers={"Accept": "application/json"})
        refused = page.status_code, machine.status_code, field in machine.json["error"]["fields"]
        assert refused == (422, 422, True), sent
    assert store.scalars(select(FlagSchedule)).all() == []


def test_the_steps_of_a_ramp_are_shown_before_it_is_planned(as_operator, flags, store):
    for browser in (as_operator, as_operator.fragment):
        page = browser.post(FORM, data=form(**RAMP, action="preview")).text
        assert (
            "Turned on; 25\N{NO-BREAK SPACE}% on, 75\N{NO-BREAK SPACE}% off" in page,
            "50\N{NO-BREAK SPACE}% on, 50\N{NO-BREAK SPACE}% off" in page,
        ) == (True, True)
        assert page.count("<meter") == 2
    assert store.scalars(select(FlagSchedule)).all() == []


def test_a_stale_form_is_refused_and_yours_can_be_put_on_top(as_operator, flags, planned):
    as_operator.post(SET, data=VARIANTS | {"enabled": "off", "version": 1, "operation_id": "operation-0"})
    for browser in (as_operator, as_operator.fragment):
        answer = browser.post(FORM, data=form())
        assert (answer.status_code, "Apply mine on top" in answer.text) == (409, True)
    assert 'name="at"' in answer.text
    assert planned(version=2, operation_id="operation-2").steps[0][1]["defaultVariant"] == "off"


def test_a_second_schedule_waits_until_the_first_is_cancelled(as_operator, flags, planned, store):
    planned()
    answer = as_operator.post(FORM, data=form(operation_id="operation-2"))
    assert (answer.status_code, "Cancel that first" in answer.text) == (409, True)
    assert "Cancel this one to plan another" in as_operator.get(FORM).text
    edit = as_operator.post(SET, data=VARIANTS | {"version": 1, "operation_id": "operation-3", "at": at(hours=5)})
    assert edit.status_code == 409
    assert len(store.scalars(select(FlagSchedule)).all()) == 1


def test_cancelling_twice_and_by_two_people_is_once(app, as_operator, planned, sign_in, store):
    url = f"/flags/schedules/{planned().public_id}/cancel"
    other = sign_in(app, "operator", store)
    assert as_operator.post(url).location == "/flags/checkout"
    assert other.post(url, data={"view": "list"}).location == "/flags/schedules"
    row = other.get("/flags/schedules?format=json").json["rows"][0]
    first = store.scalars(select(AuditEntry).where(AuditEntry.action == "flag.schedule.end")).one()
    assert (row["state"], row["ended_by"], first.author) == ("cancelled", first.author, row["author"])
    assert "cancelled" in other.get("/flags/schedules").text
    assert planned(operation_id="operation-2").state == "pending"


def test_production_asks_for_a_reason_and_the_key(as_operator, flags, planned):
    for more in ({}, {"reason": "launch"}, {"typed_key": "checkout"}):
        assert as_operator.post(IN_PRODUCTION, data=form(**more)).status_code == 422
    assert planned(IN_PRODUCTION, reason="launch", typed_key="checkout").environment.slug == "production"


def test_the_role_in_the_environment_counts(app, flags, store, sign_in):
    browsers = {role: sign_in(app, role, store) for role in ("operator", "viewer")}
    place = store.scalars(select(Environment.id).where(Environment.slug == "staging")).one()
    for role, there in (("operator", "viewer"), ("viewer", "operator")):
        account = store.scalars(select(Account.id).where(Account.role == role).order_by(Account.id.desc())).first()
        store.add(EnvironmentRole(account_id=account, environment_id=place, role=there))
    store.commit()
    assert browsers["operator"].post(FORM, data=form()).status_code == 403
    assert browsers["viewer"].post(FORM, data=form()).status_code == 303
    cancel = f"/flags/schedules/{store.scalars(select(FlagSchedule.public_id)).one()}/cancel"
    assert browsers["operator"].post(cancel).status_code == 403
    assert browsers["viewer"].post(cancel).status_code == 303


def test_the_form_that_edits_takes_a_time(as_operator, flags, store):
    sent = VARIANTS | {"version": 1, "operation_id": "operation-1"}
    for wrong in ("soon", "1970-01-01T00:00", "2020-01-01T00:00"):
        answer = as_operator.post(SET, data=sent | {"at": wrong})
        assert (answer.status_code, f'value="{wrong}"' in answer.text) == (422, True)
    assert as_operator.post(SET, data=sent | {"at": at(days=1)}).status_code == 303
    document = store.scalars(select(FlagSchedule)).one().steps[0][1]
    assert (document["state"], document["defaultVariant"]) == ("ENABLED", "off")
    assert flags["checkout", "staging"].version == 1


@pytest.mark.parametrize(
    ("typed", "second"),
    [
        ("2030-03-31T02:30", 1_901_154_600),
        ("2030-03-31T02:30+02:00", 1_901_147_400),
        ("2030-10-27T02:30Z", 1_919_298_600),
        ("2030-10-27T02:30-04:00", 1_919_313_000),
    ],
)
def test_a_time_is_utc_unless_it_names_another_offset_also_where_clocks_change(typed, second):
    from dashboard.flags import schedule_forms

    assert schedule_forms.read({"what": "on", "at": typed}).at == second


def test_a_flag_that_is_not_set_or_has_a_rule_that_only_json_can_say_is_told_so(as_operator, flags):
    rule = {"targeting": '{"cat": ["o", "n"]}', "version": 1, "operation_id": "operation-0"}
    assert as_operator.post(SET, data=VARIANTS | rule).status_code == 303
    assert "Only JSON can say who gets what" in as_operator.get(f"{FORM}?what=ramp").text
    refused = as_operator.post(FORM, data=form(**RAMP, version=2))
    assert (refused.status_code, "Only JSON can say this flag" in refused.text) == (422, True)
    new = {"key": "fresh", "type": "boolean", "kind": "release", "operation_id": "operation-9"} | VARIANTS
    assert as_operator.post("/flags", data=new).status_code == 303
    assert as_operator.get(FORM.replace("checkout", "fresh")).status_code == 422
    assert as_operator.post(FORM.replace("checkout", "fresh"), data=form()).status_code == 422
