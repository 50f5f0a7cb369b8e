"""The matrix and a flag's pages: who may do what, in one click or confirmed, once and by the newest version."""

import pytest
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.flags.models import FlagVersion
from dashboard.security.models import AuditEntry

TOGGLE = "/flags/checkout/in/staging/toggle"
IN_PRODUCTION = "/flags/checkout/in/production/toggle"
SET = "/flags/checkout/in/staging/set"
VARIANTS = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "0"}
WRITES = [TOGGLE, SET, "/flags/checkout/archive", "/flags/checkout/restore", "/flags/checkout/shared", "/flags"]


def turn(word, version=1, operation="operation-1", **more):
    return {"enabled": word, "version": version, "operation_id": operation} | more


def test_one_click_turns_a_flag_on_and_a_second_click_of_it_changes_nothing(as_operator, flags, store):
    for _ in range(2):
        assert as_operator.post(TOGGLE, data=turn("on")).status_code == 303
    assert (flags["checkout", "staging"].enabled, flags["checkout", "staging"].version) == (True, 2)
    titles = list(store.scalars(select(Change.title).where(Change.subject == "checkout").order_by(Change.id)))
    assert titles[-1] == "checkout turned on in staging"
    assert titles.count("checkout turned on in staging") == 1
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "flag.toggle")).one()
    assert (entry.subject, entry.before["state"], entry.after["state"]) == (
        "checkout in staging", "off", "on",
    )  # fmt: skip


def test_the_fragment_is_the_row_with_a_way_back(as_operator, flags):
    answer = as_operator.fragment.post(TOGGLE, data=turn("on"))
    assert answer.status_code == 200
    assert answer.text.strip().startswith("<tr id=")
    assert "Undo" in answer.text
    assert "<html" not in answer.text


def test_a_stale_toggle_is_refused_with_the_difference(as_operator, flags):
    as_operator.post(TOGGLE, data=turn("on"))
    as_operator.post(TOGGLE, data=turn("off", version=2, operation="operation-2"))
    for browser in (as_operator, as_operator.fragment):
        answer = browser.post(TOGGLE, data=turn("on", version=1, operation="operation-3"))
        assert answer.status_code == 409
        assert "Apply mine on top" in answer.text
    assert flags["checkout", "staging"].enabled is False
    wanted_already = as_operator.post(TOGGLE, data=turn("off", version=1, operation="operation-4"))
    assert (wanted_already.status_code, "there already" in wanted_already.text) == (409, True)


def test_production_asks_for_a_reason_and_the_key(as_operator, flags):
    for confirmation in (
        {},
        {"reason": "incident 7"},
        {"typed_key": "checkout"},
        {"reason": " ", "typed_key": "checkout"},
    ):
        answer = as_operator.post(IN_PRODUCTION, data=turn("on", view="confirm", **confirmation))
        assert answer.status_code == 422
    assert flags["checkout", "production"].enabled is False
    answer = as_operator.post(IN_PRODUCTION, data=turn("on", view="confirm", reason="incident 7", typed_key="checkout"))
    assert answer.status_code == 303
    assert flags["checkout", "production"].enabled is True


def test_the_list_has_no_bare_button_for_production(as_operator, flags):
    page = as_operator.get("/flags").text
    assert f'action="{TOGGLE}"' in page
    assert f'action="{IN_PRODUCTION}"' not in page
    assert "/flags/checkout/in/production/confirm?enabled=on" in page


@pytest.mark.parametrize("url", WRITES)
def test_writes_refuse_strangers_viewers_and_get(client, as_viewer, as_operator, flags, url):
    assert client.post(url, data=turn("on")).status_code in {303, 401}
    assert as_viewer.post(url, data=turn("on")).status_code == 403
    assert as_viewer.fragment.post(url, data=turn("on")).status_code == 403
    if url != "/flags":
        assert as_operator.get(url).status_code == 405
    assert flags["checkout", "staging"].enabled is False


@pytest.mark.parametrize(
    "url", ["/flags/nothing/in/staging/toggle", "/flags/checkout/in/nowhere/toggle", "/flags/nothing/archive"]
)
def test_what_is_not_there_is_not_found(as_operator, flags, url):
    answer = as_operator.post(url, data=turn("on", reason="x", typed_key="nothing"))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        ({"variant_value": ["true", "{"]}, "Line 1, column 2"),
        ({"variant_value": ["true", "1"]}, "true or false"),
        ({"variant_name": ["on", "on"]}, "Two variants are called"),
        ({"targeting": '{"nope": 1}'}, "Unknown operator"),
        ({"targeting": '{"if": [true,\n]}'}, "Line 2, column 1"),
        ({"metadata": '{"a": {}}'}, "Metadata “a”"),
        ({"variant_name": [], "variant_value": []}, "1 to 100 variants"),
    ],
)
def test_bad_definitions_are_refused_with_the_field_named(as_operator, flags, sent, named):
    form = {"enabled": "off", "version": 1, "operation_id": "operation-1"} | VARIANTS | sent
    answer = as_operator.post(SET, data=form)
    assert answer.status_code == 422
    assert named in answer.text
    assert flags["checkout", "staging"].version == 1


def test_rows_are_added_and_removed_without_writing(as_operator, flags):
    form = {"version": 1, "operation_id": "operation-1", "action": "add"} | VARIANTS
    assert as_operator.post(SET, data=form).text.count('name="variant_name"') == 3
    assert as_operator.post(SET, data=form | {"action": "remove-0"}).text.count('name="variant_name"') == 1
    assert flags["checkout", "staging"].version == 1


def test_two_people_on_different_fields_both_succeed_and_the_second_is_told(as_operator, flags, store):
    form = {"enabled": "off", "version": 1, "operation_id": "operation-1"} | VARIANTS
    as_operator.post(SET, data=form | {"default": "1"})
    both = as_operator.post(SET, data=form | {"operation_id": "operation-2", "metadata": '{"team": "shop"}'})
    assert (both.status_code, both.location) == (303, "/flags/checkout?merged=staging:1:3")
    setting = flags["checkout", "staging"]
    assert (setting.default_variant, setting.flag_metadata, setting.version) == ("off", {"team": "shop"}, 3)
    page = as_operator.get(both.location).text
    assert "Version 3 in Staging holds your change and what" in page
    kept = store.scalars(select(FlagVersion.document).order_by(FlagVersion.id.desc())).first()
    assert (kept["defaultVariant"], kept["metadata"]) == ("off", {"team": "shop"})
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "flag.set").order_by(AuditEntry.seq)).all()[-1]
    assert (entry.before["defaultVariant"], "metadata" in entry.before) == ("off", False)
    assert as_operator.get("/flags/checkout?merged=nowhere:1:3").status_code == 200


def test_a_flag_is_turned_whatever_else_changed_meanwhile(as_operator, flags):
    as_operator.post(
        SET, data={"enabled": "off", "version": 1, "operation_id": "operation-1"} | VARIANTS | {"default": "1"}
    )
    assert as_operator.post(TOGGLE, data=turn("on", operation="operation-2")).status_code == 303
    setting = flags["checkout", "staging"]
    assert (setting.enabled, setting.default_variant, setting.version) == (True, "off", 3)


def test_on_top_of_somebody_elses_edit_only_your_change_is_put(as_operator, flags):
    form = {"enabled": "off", "version": 1, "operation_id": "operation-1"} | VARIANTS
    as_operator.post(SET, data=form | {"default": "1", "metadata": '{"team": "x"}'})
    theirs = as_operator.post(SET, data=form | {"operation_id": "operation-2", "metadata": '{"team": "shop"}'})
    assert theirs.status_code == 409
    assert "serves" not in theirs.text
    assert (
        '<textarea class="hidden" name="default" aria-hidden="true" tabindex="-1" readonly>\n1</textarea>'
        in theirs.text
    )


def test_a_new_flag_is_off_everywhere(as_operator, flags):
    form = {"key": "new-search", "type": "string", "kind": "release", "operation_id": "operation-9", "default": "0"}
    form |= {"variant_name": ["a", "b"], "variant_value": ["x", "y"], "environments": ["staging", "production"]}
    assert as_operator.post("/flags", data=form | {"enabled": "on"}).status_code == 303
    assert flags["new-search", "production"].enabled is False
    assert as_operator.post("/flags", data=form).status_code == 303
    assert as_operator.post("/flags", data=form | {"operation_id": "operation-10"}).status_code == 409
    assert as_operator.post("/flags", data=form | {"key": "a b"}).status_code == 422


def test_archive_takes_a_flag_away_and_restore_brings_it_back(as_operator, flags, store):
    form = {"version": 1, "operation_id": "operation-1", "reason": "done", "typed_key": "checkout"}
    assert as_operator.post("/flags/checkout/archive", data=form | {"typed_key": "x"}).status_code == 422
    assert as_operator.post("/flags/checkout/archive", data=form).status_code == 303
    assert as_operator.get("/flags?format=json").json["rows"] == []
    assert as_operator.post(TOGGLE, data=turn("on", operation="operation-5")).status_code == 409
    assert as_operator.get("/flags/checkout").status_code == 200
    form |= {"version": 2, "operation_id": "operation-2"}
    assert as_operator.post("/flags/checkout/restore", data=form | {"reason": " "}).status_code == 422
    assert flags.flag("checkout").archived_at is not None
    assert "Restore in every environment" in as_operator.get("/flags/checkout").text
    assert as_operator.post("/flags/checkout/restore", data=form).status_code == 303
    assert flags.flag("checkout").archived_at is None
    assert store.query(FlagVersion).filter_by(environment_id=None).count() == 3


def test_what_all_share_is_edited_by_version(as_operator, flags):
    form = {"version": 1, "operation_id": "operation-1", "kind": "experiment", "owner": "shop", "tags": "a, b"}
    assert as_operator.post("/flags/checkout/shared", data=form).status_code == 303
    assert (flags.flag("checkout").kind, flags.flag("checkout").tags) == ("experiment", ["a", "b"])
    stale = as_operator.post("/flags/checkout/shared", data=form | {"operation_id": "operation-2", "owner": "x"})
    assert stale.status_code == 409
    bad = as_operator.post(
        "/flags/checkout/shared", data=form | {"operation_id": "operation-3", "kind": "x", "version": 2}
    )
    assert bad.status_code == 422


def test_the_list_tells_every_state_as_json_and_csv(as_viewer, flags):
    row = as_viewer.get("/flags?format=json").json["rows"][0]
    assert (row["key"], row["type"]) == ("checkout", "boolean")
    assert {slug: (cell["state"], cell["version"]) for slug, cell in row["environments"].items()} == {
        "staging": ("off", 1),
        "production": ("off", 1),
    }
    assert "checkout,boolean" in as_viewer.get("/flags?format=csv").text


@pytest.mark.parametrize(
    "query", ["q=check", "state=off", "state=off&environment=staging", "kind=release", "sort=updated_at"]
)
def test_filters_find_it(as_viewer, flags, query):
    assert as_viewer.get(f"/flags?format=json&{query}").json["total"] == 1


@pytest.mark.parametrize(
    "query", ["q=zzz", "state=on", "kind=experiment", "owner=x", "tag=y", "archived=1", "q=%25", "q=_"]
)
def test_filters_hide_it(as_viewer, flags, query):
    assert as_viewer.get(f"/flags?format=json&{query}").json["total"] == 0


@pytest.mark.parametrize("query", ["sort=nope", "dir=up", "page=0", "state=maybe", "q=%00", "format=xml"])
def test_malformed_lists_are_422(as_viewer, flags, query):
    assert as_viewer.get(f"/flags?{query}").status_code == 422


@pytest.mark.parametrize(
    "url",
    [
        "/flags",
        "/flags/new",
        "/flags/checkout",
        "/flags/checkout/in/staging",
        "/flags/checkout/in/production/confirm?enabled=on",
    ],
)
def test_pages_show_as_page_and_as_fragment(as_operator, flags, url):
    assert "</html>" in as_operator.get(url).text
    fragment = as_operator.fragment.get(url)
    assert fragment.status_code == 200
    assert "</html>" not in fragment.text


def test_hostile_texts_show_as_text(as_operator, flags):
    form = {"version": 1, "operation_id": "operation-1", "kind": "release", "description": "<script>alert(1)</script>"}
    as_operator.post("/flags/checkout/shared", data=form)
    for url in ("/flags", "/flags/checkout"):
        assert "<script>alert" not in as_operator.get(url).text
