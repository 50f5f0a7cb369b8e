"""A pending schedule happens at its second in whatever holds the exported flags, while nothing of ours runs."""

import time
from dataclasses import replace

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import OpenFeatureError
from sqlalchemy import select, update

from dashboard.flags import copy_on_disk, live, rules, schedules
from dashboard.flags.ledger import definition_of
from dashboard.flags.models import Flag, FlagRevision, FlagSetting
from dashboard.flags.queries import document_of
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.conftest import close, make_app
from tests.ofrep.conftest import Application, store_away, until

TENTH = {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["a", 10], ["b", 90]]}
PEOPLE = [{"targetingKey": f"u{number}", "plan": ("free", "pro")[number % 2]} for number in range(40)]
AFTER = {
    "plain": {"enabled": False},
    "text": {"variants": {"a": "Bern"}},
    "split": {"targeting": TENTH},
    "chosen": {"targeting": {"if": [{"==": [{"var": "plan"}, "free"]}, "b"]}},
}


@pytest.fixture
def planned(served, changing):
    """When each of AFTER comes, and the flags as they are until then and from then on, in flagd's words."""
    with served.app_context():
        place = environment_by_slug("staging")
        db.session.execute(update(FlagRevision).values(bucketing="v3"))
        at, documents = int(time.time()) + 3_600, ({}, {})
        wanted = select(Flag.key, FlagSetting).join(FlagSetting.flag).where(Flag.key.in_(AFTER))
        for key, setting in db.session.execute(wanted).all():
            before = definition_of(setting)
            after = replace(before, **AFTER[key])
            steps = schedules.steps_of(setting.flag, [(at, after)])
            schedules.plan(setting.flag, place, steps, version=setting.version, title="planned", reason="launch")
            documents[0][key], documents[1][key] = rules.document_of(before), rules.document_of(after)
        db.session.commit()
        exported = document_of(place)
    until(lambda: changing.document().text == exported)
    return at, *documents


@pytest.fixture
def at(monkeypatch):
    """The clock of this process, which every evaluator here goes by."""
    return lambda second: monkeypatch.setattr(time, "time", lambda: second + 0.5)


def told_by_flagd(document):
    """Person by person, what flagd's engine gives; the default in code where it gives none."""
    core = FlagdCore()
    core.set_flags(document)
    asks = {"plain": (core.resolve_boolean_value, True), "text": (core.resolve_string_value, "code")}

    def value(key, person):
        resolve, default = asks.get(key, (core.resolve_integer_value, 5))
        try:
            return resolve(key, default, EvaluationContext(person["targetingKey"], {"plan": person["plan"]})).value
        except OpenFeatureError:
            return default

    return [{key: value(key, person) for key in AFTER} for person in PEOPLE]


def told_by_ofrep(application):
    codes = {"plain": True, "text": "code"}
    found = [{one["key"]: one for one in application.bulk(person).json["flags"]} for person in PEOPLE]
    return [{key: flags[key].get("value", codes.get(key, 5)) for key in AFTER} for flags in found]


def test_the_exported_document_changes_at_its_second_in_flagds_own_engine(planned, served, changing, at):
    second, before, after = planned
    exported = changing.document().text
    old, new = told_by_flagd({"flags": before}), told_by_flagd({"flags": after})
    assert all(any(one[key] != other[key] for one, other in zip(old, new, strict=True)) for key in ("text", "split"))
    for moment, expected in ((second - 3_600, old), (second - 1, old), (second, new), (second + 10**6, new)):
        at(moment)
        assert told_by_flagd(exported) == expected
    with served.app_context():
        assert {found.done_steps for found in db.session.scalars(select(FlagSchedule))} == {0}


@pytest.fixture
def late(planned, served, changing, server, tmp_path):
    """A process that starts while the store is away, beside a copy on disk."""
    live.keep_on_disk(served, tmp_path)
    until((tmp_path / copy_on_disk.NAME).exists)
    app = make_app(server, served.config["SQLALCHEMY_DATABASE_URI"].rsplit("/", 1)[1].partition("?")[0])
    live.keep_on_disk(app, tmp_path)
    late = Application(app, changing.key)
    with store_away(server, served):
        live.start(app)
        until(lambda: late.flag("plain").status_code == 200)
        yield late
    live.stop(app)
    close(app)


@pytest.mark.fault
def test_a_process_that_has_only_the_copy_on_disk_changes_at_that_second_too(planned, late, at):
    second, before, after = planned
    for moment, document in ((second - 1, before), (second, after)):
        at(moment)
        assert told_by_ofrep(late) == told_by_flagd({"flags": document})
    assert late.flag("plain").headers["Pilothouse-Flags"].startswith("stale")
