"""What was scheduled happens at its second in every evaluator, is written down afterwards, and only if it still may."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import undefer

from dashboard.changes.models import Change
from dashboard.errors import Conflict, Invalid
from dashboard.flags import edits, rules, schedules, serving
from dashboard.flags.evaluate import compile_rule
from dashboard.flags.ledger import announce, definition_of
from dashboard.flags.models import FlagSetting, FlagVersion
from dashboard.flags.queries import flag_by_key
from dashboard.flags.rules import Definition
from dashboard.flags.saving import Stale
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.security.models import Account
from dashboard.store import db
from dashboard.targets.models import Environment


def now():
    return int(db.session.scalars(select(func.extract("epoch", func.clock_timestamp()))).one())


def setting(place, key="checkout"):
    wanted = select(FlagSetting).join(FlagSetting.flag).where(FlagSetting.environment_id == place.id)
    wanted = wanted.where(FlagSetting.flag == flag_by_key(key)).options(undefer("*"))
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()


def plan(place, *afters, in_s=3_600, **named):
    """Each definition an hour after the one before it."""
    flag = flag_by_key("checkout")
    steps = schedules.steps_of(flag, [(now() + in_s * number, after) for number, after in enumerate(afters, 1)])
    named = {"version": setting(place).version, "title": "planned", "reason": "launch"} | named
    return schedules.plan(flag, place, steps, **named)


def on(place):
    return replace(definition_of(setting(place)), enabled=True)


def pass_time(found, hours=1):
    """As if it had been planned that much earlier."""
    found.steps = [[at - hours * 3_600 - 1, document] for at, document in found.steps]
    found.next_at -= timedelta(hours=hours, seconds=1)
    announce([found.environment_id], serving.refresh(found.environment, [found.flag_id]))
    db.session.flush()


def decided(served, at):
    return compile_rule(served.targeting).value({"$flagd": {"timestamp": at, "flagKey": "checkout"}})


def answer(place, at):
    """What an evaluator that knows only what is served says at a second."""
    found = setting(place)
    served = rules.definition_of(found.served) if found.served else definition_of(found)
    if not served.enabled:
        return None
    given = decided(served, at) if served.targeting else None
    return served.default_variant if given is None else given


def test_every_evaluator_changes_at_the_second_without_us(place):
    found = plan(place, on(place))
    at = found.coming[0][0]
    assert [answer(place, at - 1), answer(place, at)] == [None, "on"]
    assert not setting(place).enabled


def test_afterwards_it_is_a_version_by_whoever_planned_it(place):
    found = plan(place, on(place))
    assert schedules.carry_out() == 0
    pass_time(found)
    assert schedules.carry_out() == 1
    db.session.refresh(found)
    assert (found.state, found.done_steps, found.next_at) == ("done", 1, None)
    kept = db.session.scalars(select(FlagVersion).order_by(FlagVersion.id.desc()).limit(1)).one()
    assert (kept.author, kept.version) == (found.author, 2)
    assert kept.reason.startswith("launch (scheduled for ")
    assert setting(place).enabled
    assert setting(place).served is None


def test_steps_follow_each_other_also_when_the_worker_slept(place):
    low, high = (replace(on(place), default_variant=name) for name in ("off", "on"))
    found = plan(place, low, high, replace(high, enabled=False))
    pass_time(found, hours=2)
    assert schedules.carry_out() == 2
    assert (setting(place).version, setting(place).default_variant) == (3, "on")
    assert answer(place, found.coming[0][0]) is None
    pass_time(found)
    assert schedules.carry_out() == 1
    assert not setting(place).enabled


def test_a_change_of_something_else_stays_and_what_is_planned_stays_too(place):
    found = plan(place, on(place))
    other = replace(definition_of(setting(place)), metadata={"team": "shop"})
    edits.set_in_environment(flag_by_key("checkout"), place, other, version=1)
    pass_time(found)
    assert schedules.carry_out() == 1
    assert (setting(place).enabled, setting(place).flag_metadata) == (True, {"team": "shop"})


def test_a_change_of_the_same_makes_it_void_and_says_so(place):
    found = plan(place, on(place))
    for state in (True, False):
        edits.toggle(flag_by_key("checkout"), place, state, version=None)
    db.session.refresh(found)
    assert (found.state, found.why) == ("void", "Version 3 of the flag changed the same: state.")
    assert answer(place, now() + 7_200) is None
    assert schedules.carry_out() == 0


def test_turned_off_at_night_a_ramp_leaves_it_off(place):
    edits.toggle(flag_by_key("checkout"), place, True, version=None)
    found = plan(place, replace(on(place), default_variant="off"))
    edits.toggle(flag_by_key("checkout"), place, False, version=None, reason="fire")
    pass_time(found)
    assert schedules.carry_out() == 1
    assert (setting(place).enabled, setting(place).default_variant) == (False, "off")


def test_cancelled_it_never_happens(place):
    found = plan(place, on(place))
    schedules.cancel(str(found.public_id))
    schedules.cancel(str(found.public_id))
    assert (found.state, setting(place).served) == ("cancelled", None)
    titles = db.session.scalars(select(Change.title).where(Change.kind == "flag").order_by(Change.id.desc()).limit(1))
    assert titles.one() == "checkout in staging: what was scheduled is cancelled"


def test_archived_nothing_is_to_come(place):
    found = plan(place, on(place))
    edits.archive(flag_by_key("checkout"), version=1)
    assert (found.state, found.why) == ("void", "checkout was archived.")


def account(**changed):
    made = Account(email="ann@example.com", name="Ann", password_hash="-", role="operator", **changed)
    db.session.add(made)
    db.session.flush()
    return made


@pytest.mark.parametrize(
    ("lost", "why"),
    [
        (lambda ann, _place: setattr(ann, "role", "viewer"), "may not change flags in staging any more."),
        (lambda ann, _place: setattr(ann, "active", False), "may not change flags in staging any more."),
        (lambda _ann, place: setattr(place, "approvals_needed", 1), "need approval by now, and this one has none."),
        (lambda ann, _place: db.session.delete(ann), " is gone."),
    ],
)
def test_what_may_not_happen_any_more_does_not(place, lost, why):
    ann = account()
    found = plan(place, on(place), author_id=ann.id)
    found.author = ann.email
    lost(ann, place)
    db.session.flush()
    db.session.expire(found)
    assert schedules.carry_out() == 1
    assert (found.state, found.why.endswith(why)) == ("void", True)
    assert setting(place).served is None


@pytest.mark.parametrize(("in_s", "field"), [(-60, "at"), (5, "at"), (400 * 86_400, "at")])
def test_a_time_that_passed_or_is_far_is_refused(place, in_s, field):
    with pytest.raises(Invalid) as refused:
        plan(place, on(place), in_s=in_s)
    assert list(refused.value.fields) == [field]


def test_only_one_thing_is_to_come_and_a_second_click_plans_nothing(place):
    assert plan(place, on(place), operation_id="operation-1")
    assert plan(place, on(place), operation_id="operation-1") is None
    with pytest.raises(Conflict):
        plan(place, on(place))
    assert db.session.scalar(select(func.count()).select_from(FlagSchedule)) == 1


def test_a_form_that_is_stale_plans_nothing(place):
    edits.toggle(flag_by_key("checkout"), place, True, version=None)
    with pytest.raises(Stale):
        plan(place, on(place), version=1)


def test_whoever_needs_the_flag_changes_with_it(place):
    needs = Definition(True, {"on": True, "off": False}, "on", prerequisites={"checkout": ["on"]}, unmet_variant="off")
    edits.set_in_environment(edits.create_flag("banner", "boolean"), place, needs, version=0)
    found = plan(place, on(place))
    at = found.coming[0][0]
    served = rules.definition_of(setting(place, "banner").served)
    given = [decided(served, second) for second in (at - 1, at)]
    assert given == ["off", None]
    assert served.default_variant in {None, "on"}


def test_a_segment_that_went_away_meanwhile_makes_it_void(place):
    found = plan(place, on(place))
    document = found.coming[0][1] | {"targeting": {"if": [{"$ref": "gone"}, "on"]}}
    db.session.execute(update(FlagSchedule).values(steps=[[found.coming[0][0], document]]))
    db.session.expire(found)
    pass_time(found)
    assert schedules.carry_out() == 1
    assert (found.state, found.why) == ("void", "There is no segment gone any more.")
    assert db.session.get(Environment, place.id)
