"""Expected life and JSON Schema of a flag: asked for, kept exactly, and held against every environment."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from dashboard.errors import Invalid
from dashboard.flags import edits
from dashboard.flags.imports import ensure_environment, import_document
from dashboard.flags.models import FlagVersion
from dashboard.flags.promotion import promote
from dashboard.flags.rules import Definition
from dashboard.flags.shared import Shared, problems_of, sent
from dashboard.store import db
from tests.flags.conftest import make_flag

SCHEMA = '{"type": "object", "properties": {"limit": {"maximum": 1e20, "minimum": -0.0}}, "required": ["limit"]}'
SHARED = "/flags/limits/shared"
LIMITS = Definition(True, {"a": {"limit": 10}, "b": {"limit": 2e20}}, "a")


@pytest.fixture
def limits(app, flags):
    with app.app_context():
        make_flag("limits", "object", LIMITS)
        edits.set_in_environment(
            flags.flag("limits"), ensure_environment("staging"), Definition(True, {"a": {"limit": 1}}, "a"), version=1
        )
        db.session.commit()
    return flags


def form(version=1, **more):
    return {"version": version, "operation_id": f"operation-{version}", "kind": "release"} | more


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ({}, 40),
        ({"kind": "experiment"}, 40),
        ({"kind": "kill_switch"}, None),
        ({"kind": "kill_switch", "expected_life_d": "90"}, 90),
        ({"expected_life_d": ""}, None),
        ({"expected_life_d": "usual"}, 40),
    ],
)
def test_a_new_flag_lives_as_long_as_its_kind_unless_told(typed, days):
    assert sent(typed).expected_life_d == days


def test_what_a_form_does_not_ask_stays():
    now = Shared(expected_life_d=7, json_schema={"type": "object"})
    assert (sent({}, now).expected_life_d, sent({}, now).json_schema) == (7, {"type": "object"})


def test_a_life_of_no_days_and_a_schema_for_texts_are_refused():
    assert problems_of(Shared(expected_life_d=0), "string") == {
        "expected_life_d": "A life has 1 to 3,650 days, or no end."
    }
    assert problems_of(Shared(json_schema={}), "string") == {"json_schema": "Only object flags have one."}


def test_life_and_schema_are_versions_of_what_all_share(as_operator, limits, store):
    sent_schema = '{"required": ["limit"], "type": "object", "properties": {"limit": {"minimum": -0.0}}}'
    assert as_operator.post(SHARED, data=form(expected_life_d="90", json_schema=sent_schema)).status_code == 303
    flag = limits.flag("limits")
    assert (flag.expected_life_d, json.dumps(flag.json_schema)) == (90, sent_schema)
    kept = store.scalars(select(FlagVersion.document).order_by(FlagVersion.id.desc())).first()
    assert (kept["expected_life_d"], json.dumps(kept["json_schema"])) == (90, sent_schema)
    page = as_operator.get("/flags/limits").text
    assert "90 days" in page
    assert "json_schema" in page


def test_a_schema_that_existing_values_break_is_refused_with_where(as_operator, limits):
    answer = as_operator.post(SHARED, data=form(json_schema=SCHEMA))
    assert answer.status_code == 422
    assert "In production: Variant “b”: $.limit does not fit “maximum”: 1e+20." in answer.text
    assert limits.flag("limits").json_schema is None


@pytest.mark.parametrize(
    ("sent_schema", "named"),
    [
        ("{", "Line 1, column 2"),
        ("[]", "an object in braces"),
        ('{"a":1,"a":2}', "twice"),
        ('{"$ref":"http://x"}', "fetched"),
    ],
)
def test_bad_schemas_are_refused_with_what_was_typed(as_operator, limits, sent_schema, named):
    answer = as_operator.post(SHARED, data=form(json_schema=sent_schema))
    assert answer.status_code == 422
    assert named in answer.text


def test_every_way_to_a_new_definition_obeys_the_schema(app, as_operator, limits):
    ok = Definition(True, {"a": {"limit": 1}}, "a")
    with app.app_context():
        edits.set_in_environment(limits.flag("limits"), ensure_environment("production"), ok, version=1)
        db.session.commit()
    assert as_operator.post(SHARED, data=form(json_schema=SCHEMA)).status_code == 303
    variants = {"variant_name": ["a"], "variant_value": ['{"limit": 3e20}'], "default": "0", "enabled": "on"}
    answer = as_operator.post("/flags/limits/in/staging/set", data=form(2) | variants)
    assert answer.status_code == 422
    assert "Variant “a”: $.limit does not fit “maximum”: 1e+20." in answer.text
    revert = as_operator.post("/flags/limits/in/staging/revert", data=form(2) | {"to": 1})
    assert (revert.status_code, "Variant “b”: $.limit does not fit" in revert.text) == (422, True)
    file = '{"flags": {\n\n"limits": {"state": "ENABLED", "variants": {"a": []}, "defaultVariant": "a"}}}'
    with app.app_context(), pytest.raises(Invalid) as refused:
        import_document(file, "staging")
    assert refused.value.fields["file"].startswith("Line 3: Flag “limits”: Variant “a”: $ does not fit “type”")


def test_turning_a_flag_is_never_held_up_by_a_schema(as_operator, limits, store):
    flag = limits.flag("limits")
    flag.json_schema = {"type": "array"}
    store.commit()
    turned = {"enabled": "off", "version": 2, "operation_id": "operation-7"}
    assert as_operator.post("/flags/limits/in/staging/toggle", data=turned).status_code == 303


def test_promotion_obeys_the_schema(app, limits, store):
    limits.flag("limits").json_schema = {"required": ["other"]}
    store.commit()
    with app.app_context():
        places = [ensure_environment(slug) for slug in ("staging", "production")]
        with pytest.raises(Invalid, match="required"):
            promote({"limits": (2, 1)}, *places)


def test_a_schema_that_a_scheduled_value_breaks_is_refused(as_operator, limits):
    at = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    value = {"variant_name": ["a"], "variant_value": ['{"limit": 3}'], "default": "0", "enabled": "on"}
    later = value | {"at": at, "reason": "more tomorrow"}
    assert as_operator.post("/flags/limits/in/staging/set", data=form(2) | later).status_code == 303
    strict = form(json_schema='{"properties": {"limit": {"maximum": 2}}}', operation_id="operation-strict")
    answer = as_operator.post(SHARED, data=strict)
    assert answer.status_code == 422
    assert "In what is scheduled in staging: Variant “a”: $.limit does not fit “maximum”: 2." in answer.text
