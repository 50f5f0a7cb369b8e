"""`pilothouse flags import`: the preview of the page as text, several environments, Unleash, all or nothing."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from dashboard.changes.models import Change
from dashboard.flags.commands import import_flags
from dashboard.flags.models import FlagVersion
from dashboard.security.models import AuditEntry
from dashboard.targets.models import Environment
from tests.flags.unleash_files import exported, feature, sent, strategy

ON = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on"}
FILE = json.dumps({"flags": {"checkout": ON, "fresh": ON}})
TWO = exported(feature(strategy("userWithId", {"userIds": "7"}), name="f"), environment="staging")


@pytest.fixture
def run(app, tmp_path, flags):
    """`run(text, "--dry-run")`: the command for a file of this text; its exit code and what it said."""

    def ran(text, *options, environment=("--environment", "staging")):
        file = tmp_path / "file.json"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with app.app_context():
            done = CliRunner().invoke(import_flags, [str(file), *environment, *options])
        return done.exit_code, done.output

    return ran


def test_a_dry_run_prints_what_would_change_and_changes_nothing(run, store):
    before = store.scalar(select(func.count()).select_from(FlagVersion))
    code, said = run(FILE, "--dry-run")
    assert (code, said.splitlines()) == (
        0,
        ["staging: 1 new, 1 changed, 0 unchanged, 0 refused", "  checkout: changed", "    state: off → on",
         "  fresh: new flag"],
    )  # fmt: skip
    assert run(FILE, "--dry-run", environment=("--environment", "brand-new"))[0] == 0
    assert store.scalar(select(Environment).where(Environment.slug == "brand-new")) is None
    assert store.scalar(select(func.count()).select_from(FlagVersion)) == before


def test_the_audit_log_and_the_lane_say_what_a_file_made_and_why(run, store):
    described = json.dumps({"flags": {"fresh": ON}, "metadata": {"team": "shop", "level": 1.0}})
    assert run(described, "--reason", "moving in", environment=("--environment", "brand-new"))[0] == 0
    entries = {entry.action: entry for entry in store.scalars(select(AuditEntry))}
    assert entries["environment.create"].after == {"slug": "brand-new"}
    told = entries["flag.import"]
    assert told.after == {"flags": ["fresh"], "metadata team": '"shop"', "metadata level": "1.0"}
    lane = store.scalars(select(Change).where(Change.kind == "flag", Change.subject == "fresh")).one()
    assert (told.reason, lane.detail["reason"]) == ("moving in", "moving in")


def test_a_dry_run_names_everything_that_is_refused(run):
    code, said = run('{"flags": {"a": {},\n"b": {"state": "ENABLED", "variants": {"x": 1}},\n"c": {}}}', "--dry-run")
    assert code == 1
    assert [line.split(":")[0] for line in said.splitlines() if "refused, line" in line] == [
        "  refused, line 1", "  refused, line 3",
    ]  # fmt: skip


def test_an_unleash_file_is_told_by_itself_and_says_what_differs(run, flags):
    code, said = run(TWO)
    assert (code, "1 flags set in staging (1 of them new)" in said) == (0, True)
    assert "Warning: Unleash's userId is read from targetingKey. f" in said
    assert flags["f", "staging"].targeting == {
        "if": [{"and": ["rule-1", {"in": [{"var": "targetingKey"}, ["7"]]}]}, "on"]
    }


def test_each_environment_of_a_file_goes_into_the_one_of_its_name(run, flags):
    assert run(TWO, environment=("--each-environment",))[0] == 0
    assert flags["f", "staging"].version == 1
    assert run(FILE, environment=("--each-environment",))[0] == 1
    assert run(FILE, environment=())[0] == 2
    assert "choose one" in run(TWO, "--from", "nowhere")[1]


def test_refused_features_stay_out_when_that_is_said(run, flags):
    text = sent(feature(strategy(), name="good"), feature(strategy("mine"), name="own"))
    code, said = run(text)
    assert (code, "Flag “own”: the strategy “mine” is one of your own" in said) == (1, True)
    assert run(text, "--leave-out-refused")[0] == 0
    assert flags["good", "staging"].enabled


def test_a_flag_that_needs_another_is_served_by_what_that_one_serves(run, flags):
    parent = feature(strategy("userWithId", {"userIds": "7"}), name="parent")
    child = feature(strategy(), name="child", dependencies=[{"feature": "parent"}])
    assert run(sent(child, parent))[0] == 0
    held = flags["child", "staging"]
    assert (held.prerequisites, held.unmet_variant) == ({"parent": ["on"]}, "off")
    assert "targetingKey" in json.dumps(held.served)
    assert "0 flags set" in run(sent(child, parent))[1]


def test_what_is_no_text_is_refused_with_its_line(run):
    assert "Line 2:" in run(b"{\n\xff}")[1]
    assert "Line 1: Expecting" in run("{")[1]
