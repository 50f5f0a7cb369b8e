"""A change of what a flag set shares costs the flags that it concerns, and the set is as if it were made anew."""

import gc
import random
from dataclasses import replace

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from dashboard.flags import edits, segments
from dashboard.flags.flagset import Common, FlagSet, ReadyFlag
from dashboard.flags.ledger import Change
from dashboard.flags.loading import MANY_OBJECTS, load, without_collection
from dashboard.flags.queries import document_of, flag_by_key
from dashboard.flags.rules import Definition
from dashboard.store import db, libpq_url
from dashboard.targets.queries import environment_by_slug
from tests.flags.conftest import make_flag

VARIANTS = {"on": "yes", "off": "no"}
STAFF, PRO = {"==": [{"var": "team"}, "a"]}, {"==": [{"var": "plan"}, "pro"]}
IS_STAFF = {"if": [{"$ref": "staff"}, "on"]}
RULES = [
    None,
    {},
    IS_STAFF,
    {"if": [{"and": [{"$ref": "staff"}, {"$ref": "pays"}]}, "on"]},
    {"if": [{"some": [[1], {"$ref": "pays"}]}, "on", {"var": "beta"}, "on"]},
    {"$ref": "nobody"},
    {"fractional": [["on", 50], ["off", 50]]},
    {"if": [{">": [{"var": "$flagd.timestamp"}, 5]}, "on"]},
]
CONTEXT = {"team": "a", "plan": "pro", "targetingKey": "u1"}


def ready(key, targeting, common, *, enabled=True):
    return ReadyFlag(key, "string", Definition(enabled, VARIANTS, "off", targeting), common)


def flags_of(common, **rules):
    return FlagSet("test", "1", {key: ready(key, rule, common) for key, rule in rules.items()}, common)


def seen(flags):
    """All that can be asked of a set, and of each flag on its own."""
    context = flags.context(CONTEXT, 10)
    answers = [(flag.resolve(context).text, flag.line, flag.common) for flag in flags.flags.values()]
    written = flags.bulk.written(flags.bulk.answers(context)), flags.document, flags.etag(CONTEXT, "")
    return list(flags.flags), answers, written, flags.attributes, flags.reads_time


def test_only_flags_that_refer_to_a_changed_segment_are_made_anew():
    common = Common(evaluators={"staff": STAFF, "pays": PRO})
    before = flags_of(common, a=IS_STAFF, b={"if": [{"$ref": "pays"}, "on"]}, c=None, d=RULES[3])
    before.warm()
    after = before.changed("2", {}, replace(common, evaluators={**common.evaluators, "staff": PRO}))
    assert [key for key in "abcd" if after.flags[key] is before.flags[key]] == ["b", "c"]
    assert after.flags["a"].resolve(after.context({"plan": "pro"}, 0)).variant == "on"
    assert before.flags["a"].resolve(before.context({"plan": "pro"}, 0)).variant == "off"
    assert after.attributes == {"plan"}


def test_what_all_answers_carry_changes_them_without_a_rule_being_compiled_again():
    before = flags_of(Common(), a=RULES[4], b=None)
    before.warm()
    after = before.changed("2", {}, Common(metadata={"team": "x"}))
    assert after.flags["a"].rule is before.flags["a"].rule
    assert '"metadata":{"team": "x"}' in after.flags["b"].fixed.text
    pinned = after.changed("3", {}, replace(after.common, bucketing="v3"))
    assert pinned.flags["a"].rule is not before.flags["a"].rule
    assert pinned.flags["b"] is after.flags["b"]


@pytest.mark.parametrize("seed", range(20))
def test_after_any_changes_a_set_is_as_if_it_were_made_anew(seed):
    chance = random.Random(seed)  # noqa: S311 - no secret
    common = Common()
    flags = FlagSet("test", "0", {}, common)
    for turn in range(1, 25):
        if chance.random() < 0.5:
            shared = {name: chance.choice([STAFF, PRO, {"var": "beta"}]) for name in ("staff", "pays", "nobody")}
            kept = chance.sample(sorted(shared), chance.randint(0, 3))
            metadata = chance.choice([common.metadata] * 4 + [{"turn": turn}])
            bucketing = chance.choice([common.bucketing] * 4 + ["v2", "v3"])
            common = Common(metadata, {name: shared[name] for name in kept}, bucketing)
        keys = chance.sample("abcdefgh", chance.randint(0, 3))
        made = {key: ready(key, chance.choice(RULES), common, enabled=chance.random() < 0.8) for key in keys}
        flags = flags.changed(str(turn), {key: chance.choice([flag, flag, None]) for key, flag in made.items()}, common)
        anew = {key: ReadyFlag(key, flag.type, flag.definition, common) for key, flag in flags.flags.items()}
        assert seen(flags) == seen(FlagSet("test", str(turn), anew, common))


def test_many_flags_are_never_looked_at_for_garbage_and_go_when_others_replace_them():
    before = gc.get_freeze_count()
    with without_collection():
        flags = flags_of(Common(), **{f"f{number}": RULES[4] for number in range(1_000)})
        flags.warm()
    kept = gc.get_freeze_count()
    assert kept > before + MANY_OBJECTS
    del flags
    assert gc.get_freeze_count() < kept - MANY_OBJECTS


@pytest.fixture
def place(cloned_store):
    with cloned_store.app_context():
        place = environment_by_slug("staging")
        for key, rule in (("plain", None), ("other", RULES[7]), ("staffed", None)):
            make_flag(key, "string", Definition(True, VARIANTS, "off", rule))
        segments.save(place, "staff", "", STAFF, version=0)
        using = Definition(True, VARIANTS, "off", IS_STAFF)
        edits.set_in_environment(flag_by_key("staffed"), place, using, version=None)
        db.session.commit()
        yield place


def test_a_process_reads_and_compiles_only_what_a_changed_segment_concerns(cloned_store, place):
    url = libpq_url(cloned_store.config["SQLALCHEMY_DATABASE_URI"])
    with psycopg.connect(url, autocommit=True, row_factory=namedtuple_row) as connection:
        known = load(connection, {}, [])
        for version, rule in enumerate((PRO, {"==": [{"var": "plan"}, "free"]}), 1):
            segments.save(place, "staff", "", rule, version=version)
            db.session.commit()
            before, number = known[place.id].flags, known[place.id].number + 1
            named = [Change(place.id, number, (flag_by_key("staffed").id,))] if version == 2 else []
            known = load(connection, known, named)
            after = known[place.id].flags
            assert [key for key in after.flags if after.flags[key] is before.flags[key]] == ["other", "plain"]
            assert (after.document, after.attributes) == (document_of(place), {"plan"})
            assert after.etag(CONTEXT, "") is None
            assert after.revision != before.revision
