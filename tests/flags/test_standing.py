"""Segments and flags that a rule stands on: there when it is saved, and there as long as it is."""

import pytest

from dashboard.errors import Conflict, Invalid
from dashboard.flags import edits, promotion, segments
from dashboard.flags.imports import ensure_environment
from dashboard.flags.queries import flag_by_key
from dashboard.flags.rules import Definition
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.flags.conftest import make_flag
from tests.flags.test_edits import at_once

BETA = {"==": [{"var": "plan"}, "pro"]}
IN_BETA = Definition(True, {"on": True, "off": False}, "off", {"if": [{"$ref": "beta"}, "on"]})


@pytest.fixture
def place(app):
    with app.app_context():
        make_flag()
        place = environment_by_slug("staging")
        segments.save(place, "beta", "", BETA, version=0)
        yield place
        db.session.rollback()


def set_to(definition, place, version=None):
    return edits.set_in_environment(flag_by_key("checkout"), place, definition, version=version)


def test_a_rule_cannot_refer_to_a_segment_that_is_not_there(place):
    with pytest.raises(Invalid, match="no segment “beta” in Production") as refused:
        set_to(IN_BETA, environment_by_slug("production"))
    assert list(refused.value.fields) == ["targeting"]


def test_a_flag_is_not_promoted_before_its_segment(place):
    set_to(IN_BETA, place)
    production = environment_by_slug("production")
    with pytest.raises(Invalid, match="There is no segment “beta” in Production"):
        promotion.promote({"checkout": (2, 1)}, place, production)
    segments.save(production, "beta", "", BETA, version=0, reason="launch")
    assert promotion.promote({"checkout": (2, 1)}, place, production) == ["checkout"]


def test_a_version_whose_segment_is_gone_is_not_gone_back_to(place):
    set_to(IN_BETA, place)
    set_to(Definition(True, IN_BETA.variants, "off"), place)
    segments.remove(place, "beta", version=1)
    with pytest.raises(Invalid, match="no segment “beta”"):
        edits.revert(flag_by_key("checkout"), place, 2, version=3)


def test_a_flag_whose_segment_was_never_there_can_still_be_turned_off(place):
    setting = set_to(IN_BETA, place)
    setting.targeting = {"if": [{"$ref": "gone"}, "on"]}
    db.session.flush()
    assert edits.toggle(flag_by_key("checkout"), place, False, version=None).enabled is False


def test_while_a_rule_is_saved_its_segment_cannot_be_taken_away(cloned_store):
    with cloned_store.app_context():
        make_flag()
        for number in range(8):
            make_flag(f"flag-{number}")
        segments.save(ensure_environment("staging"), "beta", "", BETA, version=0)
        db.session.commit()

    def work(number):
        place = environment_by_slug("staging")
        if number == 8:
            segments.remove(place, "beta", version=1)
        else:
            edits.set_in_environment(flag_by_key(f"flag-{number}"), place, IN_BETA, version=None)

    refused = at_once(cloned_store, 9, work)
    with cloned_store.app_context():
        place = environment_by_slug("staging")
        users, known = segments.used_by(place), segments.names_of(place)
    assert set(users) <= set(known)
    assert [type(error) for error in refused] in ([Conflict], [Invalid] * 8)
