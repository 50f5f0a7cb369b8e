"""Schedules when things go wrong: nobody there to write down, killed half-way, clocks that jump, others who change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.errors import Conflict, Invalid
from dashboard.flags import edits, promotion, schedule_queries, schedules, segments, standing
from dashboard.flags.flagset import Common, FlagSet, ReadyFlag
from dashboard.flags.ledger import definition_of, served_of
from dashboard.flags.models import FlagVersion
from dashboard.flags.queries import flag_by_key
from dashboard.flags.rules import Definition
from dashboard.security.models import AuditEntry
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.flags.test_schedules import account, on, pass_time, plan, setting

BETA = {"==": [{"var": "plan"}, "pro"]}


def served_at(place, *seconds):
    """What our evaluator answers at these seconds, of nothing but what is served."""
    ready = ReadyFlag("checkout", "boolean", served_of(setting(place)), Common())
    answers = [ready.resolve(FlagSet("test", "1", {}, Common()).context({}, at)) for at in seconds]
    return [found.variant for found in answers]


def versions():
    wanted = select(FlagVersion).where(FlagVersion.environment_id.is_not(None)).order_by(FlagVersion.id)
    return [(kept.version, kept.author, kept.reason) for kept in db.session.scalars(wanted) if kept.version > 1]


def test_while_nobody_writes_it_down_it_is_served_and_afterwards_it_is_told_once_as_of_its_second(place):
    found = plan(place, on(place))
    pass_time(found)
    at = found.coming[0][0]
    assert (served_at(place, at - 1, at), setting(place).enabled) == ([None, "on"], False)
    assert [schedules.carry_out() for _ in range(2)] == [1, 0]
    moment = datetime.fromtimestamp(at, UTC)
    assert versions() == [(2, found.author, f"launch (scheduled for {moment:%Y-%m-%d %H:%M:%S} UTC by {found.author})")]
    lane = db.session.scalars(select(Change).where(Change.title == "checkout turned on in staging")).one()
    assert (lane.at, lane.author) == (moment, found.author)
    assert len(db.session.scalars(select(AuditEntry).where(AuditEntry.action == "flag.scheduled")).all()) == 1


def test_killed_between_two_steps_the_job_makes_each_of_them_once(place):
    low, high = (replace(on(place), default_variant=name) for name in ("off", "on"))
    found = plan(place, low, high)
    pass_time(found, hours=2)
    db.session.commit()
    for commits in (True, False):
        assert schedules._carried_out(schedules._held(found))
        if commits:
            db.session.commit()
    db.session.rollback()
    assert (setting(place).version, found.done_steps) == (2, 1)
    assert schedules.carry_out() == 1
    assert ([version for version, _, _ in versions()], found.state) == ([2, 3], "done")


def test_a_clock_that_jumps_back_does_not_take_back_what_is_written_down(place):
    low, high = (replace(on(place), default_variant=name) for name in ("off", "on"))
    found = plan(place, low, high)
    pass_time(found)
    first, second = (at for at, _ in found.steps)
    assert served_at(place, first - 1, first, second - 1, second) == [None, "off", "off", "on"]
    assert schedules.carry_out() == 1
    assert served_at(place, 0, first - 1, second - 1, second) == ["off", "off", "off", "on"]
    assert schedules.carry_out() == 0


def test_cancelled_after_its_second_applications_have_the_last_version_again(place):
    found = plan(place, on(place))
    pass_time(found)
    assert found.is_due
    schedules.cancel(str(found.public_id))
    assert served_at(place, found.steps[0][0]) == [None]
    assert (schedules.carry_out(), setting(place).version) == (0, 1)


def _reverted(place):
    edits.revert(flag_by_key("checkout"), place, 1, version=2)


def _promoted(place):
    source = environment_by_slug("production")
    promotion.promote({"checkout": (1, 2)}, source, place)


@pytest.mark.parametrize("back", [_reverted, _promoted])
def test_a_revert_or_a_promotion_of_something_else_leaves_what_is_planned(place, back):
    other = replace(definition_of(setting(place)), metadata={"team": "shop"})
    edits.set_in_environment(flag_by_key("checkout"), place, other, version=1)
    found = plan(place, on(place))
    back(place)
    assert (found.state, found.stands_on, setting(place).flag_metadata) == ("pending", 3, {})
    pass_time(found)
    assert schedules.carry_out() == 1
    assert (setting(place).enabled, setting(place).flag_metadata, setting(place).version) == (True, {}, 4)


def test_a_revert_of_what_is_planned_makes_it_void(place):
    edits.toggle(flag_by_key("checkout"), place, True, version=1)
    found = plan(place, replace(on(place), default_variant="off"))
    edits.revert(flag_by_key("checkout"), place, 1, version=2)
    assert found.state == "pending"
    assert served_at(place, found.coming[0][0]) == [None]
    edits.set_in_environment(
        flag_by_key("checkout"), place, Definition(True, {"on": True}, "on"), version=3, merging=True
    )
    assert (found.state, found.why) == ("void", "Version 4 of the flag changed the same: default variant, variant off.")
    assert served_at(place, found.steps[0][0]) == ["on"]


def test_a_segment_that_a_step_will_use_stays(place):
    segments.save(place, "beta", "", BETA, version=0)
    plan(place, replace(on(place), targeting={"if": [{"$ref": "beta"}, "on"]}))
    assert segments.used_by(place) == {"beta": ["checkout"]}
    with pytest.raises(Conflict, match="beta is used by checkout"):
        segments.remove(place, "beta", version=1)


def test_a_flag_that_a_step_will_need_knows_it_and_keeps_the_variant(place):
    needed = edits.create_flag("base", "boolean")
    edits.set_in_environment(needed, place, Definition(True, {"on": True, "off": False}, "on"), version=0)
    found = plan(place, replace(on(place), prerequisites={"base": ["on"]}, unmet_variant="off"))
    (user,) = standing.dependants_of("base")
    assert (user.key, user.environment.slug, list(user.variants)) == ("checkout", "staging", ["on"])
    assert user.begins_at == datetime.fromtimestamp(found.steps[0][0], UTC)
    with pytest.raises(Invalid, match="checkout needs the variant “on” of this flag"):
        edits.set_in_environment(needed, place, Definition(True, {"off": False}, "off"), version=1)
    pass_time(found)
    assert schedules.carry_out() == 1
    assert [(user.key, user.begins_at) for user in standing.dependants_of("base", place)] == [("checkout", None)]


def test_a_flag_with_something_to_come_says_so_before_it_is_archived(as_operator, flags):
    planned = {"what": "on", "version": 1, "operation_id": "operation-1"}
    planned["at"] = f"{datetime.now(UTC) + timedelta(hours=3):%Y-%m-%dT%H:%M}"
    assert as_operator.post("/flags/checkout/in/staging/schedule", data=planned).status_code == 303
    title = "checkout to be turned on in staging at "
    assert f"Void then, and never made: {title}" in as_operator.get("/flags/checkout").text
    form = {"version": 1, "operation_id": "operation-2", "reason": "over", "typed_key": "checkout"}
    assert as_operator.post("/flags/checkout/archive", data=form).status_code == 303
    row = as_operator.get("/flags/schedules?format=json").json["rows"][0]
    assert (row["state"], row["why"], flags["checkout", "staging"].served) == ("void", "checkout was archived.", None)
    assert title not in as_operator.get("/flags/checkout").text
    assert "checkout was archived." in as_operator.get("/flags/schedules").text


def test_what_changes_by_itself_is_what_it_is_until_then_but_nothing_that_settled(place):
    edits.toggle(flag_by_key("checkout"), place, True, version=1)
    assert (setting(place).reach, setting(place).outcome is None) == ("on", False)
    found = plan(place, replace(on(place), default_variant="off"))
    assert (setting(place).reach, setting(place).outcome) == ("on", None)
    schedules.cancel(str(found.public_id))
    assert (setting(place).reach, setting(place).outcome is None) == ("on", False)
    edits.toggle(flag_by_key("checkout"), place, False, version=2)
    plan(place, on(place))
    assert (setting(place).reach, setting(place).outcome) == ("off", None)


def test_the_job_looks_at_nothing_that_is_sound_and_far_off(place):
    ann = account()
    found = plan(place, on(place), author_id=ann.id)
    assert schedule_queries.to_look_at() == []
    ann.role = "viewer"
    assert schedule_queries.to_look_at() == [found.public_id]
    ann.role = "operator"
    place.approvals_needed = 1
    assert schedule_queries.to_look_at() == [found.public_id]
    place.approvals_needed = 0
    pass_time(found)
    assert schedule_queries.to_look_at() == [found.public_id]
