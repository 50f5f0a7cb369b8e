"""A file by the page: seen first, then exactly that or nothing, once."""

import io
import json
import re

import pytest
from sqlalchemy import func, select

from dashboard.changes.models import Change
from dashboard.flags import edits
from dashboard.flags.import_sent import packed
from dashboard.flags.models import Flag, FlagVersion
from dashboard.flags.queries import document_of, flag_by_key
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.flags.unleash_files import exported, feature, sent, strategy

ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
FILE = json.dumps({"flags": {"checkout": ON, "fresh": ON | {"state": "DISABLED"}}}, indent=1)
PREVIEW = "/flags/import/preview"


def look(browser, text=FILE, environment="staging", **more):
    return browser.post(PREVIEW, data={"text": text, "environment": environment} | more)


def agreed(page, environment="staging", **more):
    """What the form of a preview sends."""
    fields = {name: re.search(f'name="{name}" value="([^"]*)"', page.text)[1] for name in ("seen", "kept", "source")}
    return fields | {"environment": environment, "operation_id": "operation-1"} | more


def test_the_preview_says_what_would_change_and_changes_nothing(as_operator, flags, store):
    page = look(as_operator)
    assert (page.status_code, "/migrations" in page.text) == (200, False), "it is the page of no target"
    for words in ("new flag", "changed", "Import 2 flags into staging"):
        assert words in page.text.replace("Staging", "staging")
    assert store.scalar(select(func.count()).select_from(Flag)) == 1


def test_exactly_what_was_seen_is_imported_once(as_operator, flags, store):
    form = agreed(look(as_operator), reason="moved")
    for _ in range(2):
        answer = as_operator.post("/flags/import", data=form)
        assert (answer.status_code, answer.location.split("?")[0]) == (303, "/flags")
    assert [flags[key, "staging"].version for key in ("checkout", "fresh")] == [2, 1]
    kept = store.scalars(select(FlagVersion.reason).order_by(FlagVersion.id.desc()).limit(1)).one()
    lane = store.scalars(select(Change.title).order_by(Change.id.desc()).limit(1)).one()
    assert (kept, lane) == ("moved", "2 flags imported into staging")


def test_a_flag_that_changed_since_makes_a_fresh_preview_instead(app, as_operator, flags):
    form = agreed(look(as_operator))
    with app.app_context():
        edits.toggle(flag_by_key("checkout"), environment_by_slug("staging"), enabled=True, version=1)
        db.session.commit()
    answer = as_operator.post("/flags/import", data=form)
    assert (answer.status_code, "changed since the preview" in answer.text) == (409, True)
    assert flags["checkout", "staging"].version == 2
    again = agreed(answer, operation_id="operation-2")
    assert as_operator.post("/flags/import", data=again).status_code == 303


def test_another_text_than_the_one_seen_is_not_imported(as_operator, flags):
    form = agreed(look(as_operator), kept=packed(FILE.replace("fresh", "other")))
    assert as_operator.post("/flags/import", data=form).status_code == 409
    assert as_operator.post("/flags/import", data=form | {"kept": "x"}).status_code == 422


def test_production_asks_for_its_name_and_a_reason(as_operator, flags):
    page = look(as_operator, environment="production")
    refused = as_operator.post("/flags/import", data=agreed(page, "production", reason="now"))
    assert (refused.status_code, "Type production to confirm" in refused.text) == (422, True)
    form = agreed(page, "production", reason="now", typed_key="production")
    assert as_operator.post("/flags/import", data=form).status_code == 303


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Choose a file, or paste"),
        ("{\n\n  x", "Line 3"),
        ('{"things": []}', "no file of flags"),
        ('{"features": 5, "flags": 5}', "is an object with"),
        ("[" * 20_000, "Nested deeper than 64"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": "\\u0000"}}}}', "NUL"),
        ('{"flags": {\n"a": {}, "a": {}}}', "Line 1: “a” stands twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(as_operator, flags, text, sentence):
    answer = look(as_operator, text)
    assert (answer.status_code, sentence in answer.text) == (422, True), answer.text[:3000]


def test_flags_that_cannot_be_used_are_listed_with_line_and_reason(as_operator, flags):
    page = look(as_operator, '{"flags": {"good": {"state": "ENABLED", "variants": {"x": 1}},\n"bad": {},\n"b d": {}}}')
    assert page.status_code == 200
    assert re.findall(r'<td class="num">(\d)</td><th scope="row" class="name">([^<]*)', page.text) == [
        ("2", "bad"),
        ("3", "b d"),
    ]
    assert "All or nothing" in page.text
    assert 'name="seen"' not in page.text


def test_a_file_may_be_uploaded_and_is_told_by_itself(as_operator, flags):
    other = exported(feature(strategy("flexibleRollout", {"rollout": "25"}), name="half"), environment="prod")
    data = {"file": (io.BytesIO(b"\xef\xbb\xbf" + other.encode()), "x.json"), "environment": "staging"}
    page = as_operator.post(PREVIEW, data=data)
    assert (page.status_code, "25 % stay 25 %" in page.text) == (200, True)
    data = {"file": (io.BytesIO(b'{\n\n"\xff'), "x.json"), "environment": "staging"}
    assert "Line 3: The file is not a text in UTF-8" in as_operator.post(PREVIEW, data=data).text


def test_a_file_of_several_environments_goes_into_each_or_into_one(as_operator, flags):
    rows = [{"featureName": "f", "environment": place, "enabled": True} for place in ("staging", "Production")]
    text = json.dumps({"features": [{"name": "f"}], "featureStrategies": [], "featureEnvironments": rows})
    page = look(as_operator, text, "*")
    form = agreed(page, "*", reason="moved", typed_key="production")
    assert as_operator.post("/flags/import", data=form).status_code == 303
    assert [flags["f", slug].version for slug in ("staging", "production")] == [1, 1]
    assert "choose one" in look(as_operator, text, "production").text
    assert "Everything in the file is here already" in look(as_operator, text, "production", source="Production").text


def test_refused_features_stay_out_only_when_that_is_said(as_operator, flags):
    text = sent(feature(strategy(), name="good"), feature(strategy("mine"), name="own"))
    form = agreed(look(as_operator, text))
    refused = as_operator.post("/flags/import", data=form)
    assert (refused.status_code, "one of your own" in refused.text) == (422, True)
    assert (
        as_operator.post("/flags/import", data=form | {"leave_out": "on", "operation_id": "operation-3"}).status_code
        == 303
    )
    assert flags["good", "staging"].version == 1


def test_who_may_not_change_an_environment_imports_nothing_there(as_viewer, flags):
    assert look(as_viewer).status_code == 403
    assert as_viewer.post("/flags/import", data={"environment": "staging"}).status_code == 403
    assert "takes the role operator" in as_viewer.get("/flags/import").text


def test_an_environment_comes_as_a_file_of_the_same_bytes(app, as_viewer, flags):
    answer = as_viewer.get("/flags/export?environment=staging")
    with app.app_context():
        assert answer.text == document_of(environment_by_slug("staging"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="flags-staging.json"'
    assert as_viewer.get("/flags/export?environment=nowhere").status_code == 404
    assert "flags/export?environment=staging" in as_viewer.get("/flags").text
