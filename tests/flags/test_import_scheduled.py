"""A file is imported while a change of one of its flags is to come: that is carried along, or void."""

import json

from dashboard.flags.imports import import_document
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.flags.schedules import carry_out
from dashboard.store import db
from tests.flags.test_schedules import answer, on, pass_time, plan, setting

CHECKOUT = {"state": "DISABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}


def imported(**changed):
    """Beside a flag that nothing is scheduled for."""
    flags = {"checkout": CHECKOUT | changed, "fresh": CHECKOUT | {"state": "ENABLED"}}
    return import_document(json.dumps({"flags": flags}), "staging")


def state_of(found: FlagSchedule) -> tuple[str, str | None]:
    db.session.refresh(found)
    return found.state, found.why


def test_what_is_scheduled_stands_on_what_was_imported(place):
    found = plan(place, on(place))
    done = imported(metadata={"team": "shop"})
    assert (list(done.created), list(done.changed)) == (["fresh"], ["checkout", "fresh"])
    assert (state_of(found), setting(place).version, setting(place).enabled) == (("pending", None), 2, False)
    at = found.coming[0][0]
    assert [answer(place, at - 1), answer(place, at)] == [None, "on"]
    pass_time(found)
    assert carry_out() == 1
    assert (setting(place).enabled, setting(place).flag_metadata) == (True, {"team": "shop"})
    assert setting(place, "fresh").enabled


def test_a_file_that_changes_the_same_makes_it_void_and_says_so(place):
    found = plan(place, on(place))
    at = found.coming[0][0]
    imported(state="ENABLED")
    imported()
    assert state_of(found) == ("void", "Version 3 of the flag changed the same: state.")
    assert answer(place, at) is None
    assert carry_out() == 0


def test_a_file_that_changes_nothing_leaves_it_as_it_is(place):
    found = plan(place, on(place))
    assert imported().unchanged == 1
    assert (state_of(found), setting(place).version) == (("pending", None), 1)
    assert answer(place, found.coming[0][0]) == "on"
