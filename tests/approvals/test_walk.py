"""No way round: every write of flags, in an environment that needs approvals, leaves what is served as it was."""

import json
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from dashboard.approvals.models import ChangeRequest
from dashboard.flags import edits
from dashboard.flags.models import FlagRevision
from dashboard.flags.queries import flag_by_key
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.flags.conftest import make_flag

PLACE, KEY = "/flags/checkout/in/production", "/flags/checkout"
SEGMENT = {"name": "beta", "description": "who tries it", "rules_view": "json", "text": '{"==": [2, 2]}'}
VARIANTS = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1"}
VALUE = {"value": '"another"', "type": "string"}
NEW = {"key": "fresh", "type": "boolean", "environments": ["production"]}
NEW_JSON = {"key": "limit", "value": 1.50, "environments": ["production"], "reason": "because"}
OTHER_JSON = {"value": "a third", "version": "1", "reason": "because"}
FILE = json.dumps(
    {
        "flags": {
            "checkout": {"state": "DISABLED", "variants": {"a": True}},
            "more": {"state": "ENABLED", "variants": {"a": 1}},
        }
    }
)
FROM = {"from": "staging", "to": "production", "source_version": 1}
SOON = f"{datetime.now(UTC) + timedelta(hours=3):%Y-%m-%dT%H:%M}"
PLAN = {"what": "on", "at": SOON}
SHARED = {"description": "else", "kind": "experiment", "owner": "web", "tags": "a, b", "expected_life_d": "7"}

SCHEDULE = UUID("11111111-2222-4333-8444-555555555555")
# Every view that writes, with what it is sent; FREE ones change nothing that is served anywhere.
WAITS = [
    ("flags.create", "/flags", NEW | VARIANTS),
    ("flags.archive", f"{KEY}/archive", {"version": 1}),
    ("flags.restore", "/flags/old/restore", {"version": 2}),
    ("flags.setting.save", f"{PLACE}/set", VARIANTS | {"enabled": "off", "version": 2}),
    ("flags.setting.save", f"{PLACE}/set", VARIANTS | {"enabled": "off", "version": 2, "at": SOON}),
    ("flags.setting.toggle", "/flags/off/in/production/toggle", {"enabled": "on", "version": 1}),
    ("flags.past.do_revert", f"{PLACE}/revert", {"to": 1, "version": 2}),
    ("flags.promote.promote_one", f"{KEY}/promote", FROM | {"version": 2}),
    ("flags.promote.promote_many", "/flags/compare", FROM | {"flags": ["checkout:1:2"]}),
    ("flags.schedules.add", f"{PLACE}/schedule", PLAN | {"what": "off", "version": 2}),
    ("flags.schedules.cancel", f"/flags/schedules/{SCHEDULE}/cancel", {}),
    ("flags.imports.carry_out", "/flags/import", {"environment": "production", "text": FILE}),
    ("flags.configuration.create", "/configuration", NEW | VALUE | {"key": "farewell"}),
    ("flags.configuration.save", "/configuration/greeting/in/production", VALUE | {"version": 1}),
    ("flags.configuration.create", "/configuration", {"json": NEW_JSON}),
    ("flags.configuration.save", "/configuration/greeting/in/production", {"json": OTHER_JSON}),
    ("flags.segments.create", "/flags/segments/production", SEGMENT | {"name": "gamma", "version": 0}),
    ("flags.segments.save", "/flags/segments/production/beta", SEGMENT | {"version": 2}),
    ("flags.segments.past.do_revert", "/flags/segments/production/beta/revert", {"to": 1, "version": 2}),
    ("flags.segments.remove", "/flags/segments/production/beta/remove", {"version": 2}),
    ("flags.bucketing.save", "/flags/bucketing/production", {"bucketing": "v3"}),
]
FREE = [
    ("flags.edit_shared", f"{KEY}/shared", SHARED | {"version": 1}),
    ("flags.past.do_revert_shared", "/flags/old/shared/revert", {"to": 1, "version": 2}),
    ("flags.imports.preview", "/flags/import/preview", {"environment": "production", "text": FILE}),
    ("flags.playground.show", "/flags/playground", {"flag": "checkout", "environment": "production", "context": "{}"}),
]


@pytest.fixture
def browser(guarded, people, app, store):
    """An admin, where production has all that can be changed and takes approvals from now on."""
    guarded(0)
    admin, typed = people("admin"), {"reason": "to begin with"}
    with app.app_context():
        for key in ("off", "coming"):
            make_flag(key)
        edits.toggle(flag_by_key("coming"), environment_by_slug("production"), True, version=1)
        make_flag("old")
        edits.archive(flag_by_key("old"), version=1)
        edits.toggle(flag_by_key("checkout"), environment_by_slug("production"), True, version=1)
        db.session.commit()
    for number, text in enumerate(('{"==": [1, 1]}', '{"==": [1, 2]}')):
        sent = SEGMENT | typed | {"text": text, "version": number, "operation_id": f"segment-{number}"}
        name = "/beta" if number else ""
        admin.post(f"/flags/segments/production{name}", data=sent | {"typed_key": "beta"})
    greeting = {"key": "greeting", "value": '"hello"', "type": "string", "environments": ["production"]}
    admin.post("/configuration", data=greeting | typed | {"typed_key": "greeting", "operation_id": "greeting-1"})
    planned = PLAN | typed | {"what": "off", "typed_key": "coming", "version": 2}
    admin.post("/flags/coming/in/production/schedule", data=planned)
    store.execute(update(FlagSchedule).values(public_id=SCHEDULE, is_approved=True))
    guarded(1)
    return admin


@pytest.fixture
def served(browser):
    """What applications get of production now: the export gives the bytes of `flags.json`."""
    return lambda: browser.get("/flags/export?environment=production").data


@pytest.fixture
def sent(browser, app):
    """`sent(url, form)`: the answer to a form that is filled in as a person would."""

    def sending(url, form):
        with app.app_context():
            revision = db.session.get(FlagRevision, environment_by_slug("production").id).revision
        if "json" in form:
            return browser.post(url, json=form["json"], headers={"Accept": "application/json"})
        filled = {"reason": "because", "operation_id": secrets.token_hex(8), "version": revision} | form
        if url == "/flags/import":
            page = browser.post("/flags/import/preview", data=filled).text
            filled["seen"] = page.split('name="seen" value="')[1].split('"')[0]
        return browser.post(url, data=filled)

    return sending


def test_the_walk_knows_every_way(app):
    writes = {"POST", "PUT", "PATCH", "DELETE"}
    ways = {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods & writes}
    ways = {way for way in ways if way.startswith("flags.")}
    assert ways == {way for way, _, _ in (*WAITS, *FREE)}


def test_every_write_asks_or_changes_nothing_and_all_that_is_served_stays(sent, served, store):
    before, asked = served(), 0
    for way, url, form in (*WAITS, *FREE):
        answer = sent(url, form)
        kinds, waits = store.scalars(select(ChangeRequest.kind)).all(), (way, url, form) in WAITS
        assert answer.status_code in ({303} if waits else {200, 303}), (way, answer.text)
        assert (answer.location or "").startswith("/approvals") == waits, (way, answer.location)
        assert served() == before, way
        assert (len(kinds) > asked, set(kinds)) == (waits, {"change"}), way
        asked = len(kinds)
