"""What is served follows every change of what it stands on, in the store and in a process's memory."""

import json
from dataclasses import replace

import psycopg
import pytest
from psycopg.rows import namedtuple_row
from sqlalchemy import func, select, update
from sqlalchemy.orm import undefer

from dashboard.errors import Invalid
from dashboard.flags import edits, segments, serving
from dashboard.flags.imports import import_document
from dashboard.flags.ledger import document_of
from dashboard.flags.loading import load
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.pinning import pin
from dashboard.flags.queries import document_of as exported
from dashboard.flags.queries import flag_by_key
from dashboard.flags.rules import Definition
from dashboard.store import db, libpq_url
from dashboard.targets.queries import environment_by_slug
from tests.flags.conftest import make_flag
from tests.flags.test_edits import at_once

ON_OFF = {"on": True, "off": False}
NEEDS = Definition(True, ON_OFF, "on", prerequisites={"payments": ["on"]}, unmet_variant="off")
PAYMENTS = Definition(True, ON_OFF, "off", {"if": [{"var": "beta"}, "on"]})
INLINED = {"if": [{"in": [{"if": [{"var": "beta"}, "on"]}, ["on"]]}, None, "off"]}


@pytest.fixture
def place(app):
    with app.app_context():
        make_flag()
        make_flag("payments", definition=PAYMENTS)
        place = environment_by_slug("staging")
        edits.set_in_environment(flag_by_key("checkout"), place, NEEDS, version=None)
        yield place
        db.session.rollback()


def set_to(key, definition, place):
    edits.set_in_environment(flag_by_key(key), place, definition, version=None)


def checkout(place):
    wanted = select(FlagSetting).join(FlagSetting.flag).where(Flag.key == "checkout")
    wanted = wanted.where(FlagSetting.environment_id == place.id).options(undefer("*"))
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()


def served(place):
    setting = checkout(place)
    return setting.served, setting.served_version


def test_the_rule_of_the_flag_that_is_needed_is_part_of_what_is_served(place):
    assert served(place)[0]["targeting"] == INLINED
    assert document_of(checkout(place))["prerequisites"] == {"payments": ["on"]}


def test_a_change_of_the_flag_that_is_needed_is_served_at_once(place):
    before = checkout(place).version, served(place)[1]
    set_to("payments", replace(PAYMENTS, targeting=None), place)
    assert served(place) == ({"state": "ENABLED", "variants": ON_OFF, "defaultVariant": "off"}, before[1] + 1)
    assert checkout(place).version == before[0]


def test_a_change_that_changes_no_answer_of_others_is_theirs_alone(place):
    before = served(place)
    set_to("payments", replace(PAYMENTS, metadata={"team": "a"}), place)
    assert served(place) == before


def test_without_prerequisites_the_definition_itself_is_served(place):
    set_to("checkout", replace(NEEDS, prerequisites={}, unmet_variant=None), place)
    assert served(place)[0] is None


def test_an_archived_flag_meets_nothing_and_does_again_when_it_is_back(place):
    payments = flag_by_key("payments")
    edits.archive(payments, version=payments.version)
    assert "targeting" not in served(place)[0]
    edits.restore(payments, version=payments.version)
    assert served(place)[0]["targeting"] == INLINED


def test_a_flag_that_is_no_longer_there_meets_nothing(place):
    db.session.delete(flag_by_key("payments"))
    serving.refresh(place, whole=True)
    assert served(place)[0] == {"state": "ENABLED", "variants": ON_OFF, "defaultVariant": "off"}


def test_a_circle_is_refused_with_its_way(place):
    with pytest.raises(Invalid, match=r"payments, which needs checkout, which needs payments") as refused:
        set_to("payments", replace(PAYMENTS, prerequisites={"checkout": ["on"]}), place)
    assert list(refused.value.fields) == ["prerequisites"]


def test_what_would_become_too_large_is_refused(place):
    large = {"if": [{"in": [{"var": "id"}, ["x" * 90 for _ in range(1_000)]]}, "on"]}
    set_to("payments", replace(PAYMENTS, targeting=large), place)
    with pytest.raises(Invalid, match="checkout is too large"):
        set_to("checkout", replace(NEEDS, targeting=large), place)


def test_a_segment_that_reads_the_key_is_written_into_the_rule_and_followed(place):
    rule = {"==": [{"var": "$flagd.flagKey"}, "payments"]}
    segments.save(place, "keyed", "", rule, version=0)
    set_to("payments", replace(PAYMENTS, targeting={"if": [{"$ref": "keyed"}, "on"]}), place)
    assert '{"==": ["payments", "payments"]}' in json.dumps(served(place)[0])
    segments.save(place, "keyed", "", {"==": [{"var": "plan"}, "pro"]}, version=1)
    assert served(place)[0]["targeting"]["if"][0]["in"][0] == {"if": [{"$ref": "keyed"}, "on"]}


def test_the_export_is_plain_flagd_and_imports_to_what_was_there(place):
    document = json.loads(exported(place))
    assert document["flags"]["checkout"]["targeting"] == INLINED
    assert "prerequisites" not in document["flags"]["checkout"]
    assert import_document(json.dumps(document), "staging").changed == []


def test_processes_are_told_of_every_flag_whose_answers_changed(place):
    ids = [flag_by_key(key).id for key in ("checkout", "payments")]
    assert serving.refresh(place, ids[1:]) == {ids[1]}
    db.session.execute(update(FlagSetting).where(FlagSetting.flag_id == ids[1]).values(default_variant="on"))
    assert serving.refresh(place, ids[1:]) == set(ids)


def test_a_process_loads_what_is_served_and_again_when_that_changes(cloned_store):
    with cloned_store.app_context():
        make_flag()
        make_flag("payments", definition=PAYMENTS)
        place = environment_by_slug("staging")
        set_to("checkout", NEEDS, place)
        db.session.commit()
        url = libpq_url(cloned_store.config["SQLALCHEMY_DATABASE_URI"])
        with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as connection:
            loaded = load(connection, {}, [])
            assert loaded[place.id].flags.flags["checkout"].definition.targeting == INLINED
            set_to("payments", replace(PAYMENTS, default_variant="on"), place)
            db.session.commit()
            again = load(connection, loaded, [])[place.id].flags.flags
    assert again["checkout"].definition.targeting["if"][0]["in"][1] == ["on", None]


def test_of_two_people_who_would_close_a_circle_together_one_is_refused(cloned_store):
    keys = ["checkout", "payments"]
    with cloned_store.app_context():
        for key in keys:
            make_flag(key)

    def need_the_other(number):
        definition = replace(NEEDS, prerequisites={keys[1 - number]: ["on"]})
        set_to(keys[number], definition, environment_by_slug("staging"))

    assert len(at_once(cloned_store, 2, need_the_other)) == 1
    with cloned_store.app_context():
        needing = select(func.count()).where(FlagSetting.prerequisites.is_not(None))
        assert db.session.scalar(needing) == 1


def test_where_version_3_is_to_draw_a_needed_split_without_a_seed_is_refused(place):
    set_to("payments", replace(PAYMENTS, targeting={"fractional": [["on", 50], ["off", 50]]}), place)
    implicit = {"if": [{"var": "targetingKey"}, {"cat": ["payments", {"var": "targetingKey"}]}, None]}
    assert served(place)[0]["targeting"]["if"][0]["in"][0]["fractional"][0] == implicit
    with pytest.raises(Invalid, match="draws percentages without a seed"):
        pin(place, "v3", seen=None, reason="all in Python")
