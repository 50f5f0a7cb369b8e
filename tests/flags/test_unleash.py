"""Features of Unleash: strategies, variants, dependencies and environments, by what our evaluator answers."""

import json

import pytest

from dashboard.flags import targeting
from dashboard.flags.import_reading import read_import
from tests.flags.unleash_files import answer, entry_of, exported, feature, only, reason_of, sent, strategy

PEOPLE = [f"user-{number}" for number in range(2_000)]
HALF = {"rollout": "50", "stickiness": "default", "groupId": "g"}


def variant(name, weight=500, payload=None, **more):
    return {
        "name": name,
        "weight": weight,
        "payload": {"type": "string", "value": payload} if payload else None,
        **more,
    }


def share(entry, value, **context):
    return sum(answer(entry, targetingKey=key, **context) == value for key in PEOPLE) / len(PEOPLE)


def test_no_strategy_and_the_default_one_are_for_everybody():
    for strategies in ([], [strategy()], [strategy("flexibleRollout", HALF | {"rollout": "100"}), strategy()]):
        entry = entry_of(*strategies)
        assert (answer(entry), entry.definition.targeting, entry.warnings) == (True, None, ())


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("flexibleRollout", HALF, "by userId, else by sessionId"),
        ("flexibleRollout", HALF | {"stickiness": "userId"}, "other people"),
        ("flexibleRollout", HALF | {"stickiness": "random"}, "draws anew each time"),
        ("gradualRolloutUserId", {"percentage": "50", "groupId": "g"}, "other people"),
        ("gradualRolloutRandom", {"percentage": 50}, "draws anew each time"),
    ],
)
def test_a_share_stays_and_the_preview_says_that_people_move(name, parameters, told):
    entry = entry_of(strategy(name, parameters))
    assert share(entry, True) == pytest.approx(0.5, abs=0.05)
    assert any(told in sentence for sentence in entry.warnings)
    assert targeting.read(entry.definition.targeting) is not None, "the form can edit it"


def test_who_lacks_what_is_drawn_by_is_left_out_as_in_unleash():
    for percent in ("50", "100"):
        entry = entry_of(strategy("flexibleRollout", HALF | {"rollout": percent, "stickiness": "sessionId"}))
        assert answer(entry, targetingKey="a") is False
    assert answer(entry, sessionId="s") is True


def test_nobody_is_in_a_share_of_nothing():
    assert answer(entry_of(strategy("flexibleRollout", HALF | {"rollout": "0"})), targetingKey="a") is False
    assert answer(entry_of(strategy("userWithId", {"userIds": " , "})), targetingKey="") is False


def test_the_other_strategies_name_whom_they_mean():
    users = entry_of(strategy("userWithId", {"userIds": "7, 8"}))
    assert [answer(users, targetingKey=key) for key in ("7", "8", "9")] == [True, True, False]
    hosts = entry_of(strategy("applicationHostname", {"hostNames": "Web-1,web-2"}))
    assert [answer(hosts, hostname=name) for name in ("web-1", "web-3")] == [True, False]
    places = entry_of(strategy("remoteAddress", {"IPs": "10.0.0.0/8, 192.0.2.7"}))
    assert [answer(places, remoteAddress=text) for text in ("10.9.9.9", "192.0.2.7", "11.0.0.1")] == [True, True, False]
    assert any("send “hostname”" in sentence or "“hostname”" in sentence for sentence in hosts.warnings)


def test_one_strategy_is_enough_and_all_constraints_of_one_have_to_hold():
    pro = {"contextName": "plan", "operator": "IN", "values": ["pro"]}
    adult = {"contextName": "age", "operator": "NUM_GTE", "value": "18"}
    half = strategy("flexibleRollout", HALF)
    entry = entry_of(half, strategy(constraints=[pro, adult]), strategy("userWithId", {"userIds": "7"}))
    assert answer(entry, targetingKey="7") is True
    assert share(entry, True, plan="pro", age=18) == 1
    assert share(entry, True, plan="pro", age=17) == pytest.approx(0.5, abs=0.05)
    assert targeting.read(entry.definition.targeting) is not None, "the form can edit it"


def test_two_shares_do_not_draw_the_same_people():
    entry = entry_of(strategy("flexibleRollout", HALF), strategy("flexibleRollout", HALF | {"groupId": "h"}))
    assert share(entry, True) == pytest.approx(0.75, abs=0.05)


def test_a_disabled_strategy_does_not_count():
    entry = entry_of(strategy(disabled=True), strategy("userWithId", {"userIds": "7"}))
    assert [answer(entry, targetingKey=key) for key in ("7", "8")] == [True, False]
    assert "all its strategies are disabled" in reason_of(strategy(disabled=True))


def test_segments_become_part_of_the_rule_where_the_file_has_them():
    segment = {"id": 1, "name": "pros", "constraints": [{"contextName": "plan", "operator": "IN", "values": ["pro"]}]}
    entry = entry_of(strategy(segments=[1]), segments=[segment])
    assert [answer(entry, plan=plan) for plan in ("pro", "free")] == [True, False]
    _, refused = only(exported(feature(strategy(segments=[1])), segments=[{"id": 1, "name": "pros"}]), "production")
    assert "segment “pros”" in refused["f"]
    assert "/api/client/features" in refused["f"]


def test_variants_are_values_with_their_shares():
    entry = entry_of(strategy(), variants=[variant("a", 250, "x"), variant("b", 750, "y")])
    assert (entry.type, entry.definition.default_variant) == ("string", None)
    assert share(entry, "x") == pytest.approx(0.25, abs=0.05)
    assert share(entry, "x") + share(entry, "y") == 1
    assert any("asks whether it is enabled" in sentence for sentence in entry.warnings)


def test_those_who_are_out_get_no_variant_and_variants_do_not_depend_on_the_share():
    entry = entry_of(strategy("flexibleRollout", HALF), variants=[variant("a"), variant("b")])
    assert share(entry, None) == pytest.approx(0.5, abs=0.05)
    assert share(entry, "a") == pytest.approx(0.25, abs=0.05)


def test_the_variants_of_a_strategy_come_before_those_of_the_feature():
    mine = strategy("userWithId", {"userIds": "7"}, variants=[variant("mine", 1)])
    entry = entry_of(mine, strategy(), variants=[variant("all", 1)])
    assert [answer(entry, targetingKey=key) for key in ("7", "8")] == ["mine", "all"]
    alone = entry_of(mine, strategy())
    assert [answer(alone, targetingKey=key) for key in ("7", "8")] == ["mine", None]


def test_an_override_names_who_gets_a_variant():
    forced = variant("b", 0, overrides=[{"contextName": "userId", "values": ["7"]}])
    entry = entry_of(strategy(), variants=[variant("a", 1000), forced])
    assert [answer(entry, targetingKey=key) for key in ("7", "8")] == ["b", "a"]


@pytest.mark.parametrize(
    ("kind", "values", "type_", "expected"),
    [
        ("number", ("1", "2.5"), "float", [1.0, 2.5]),
        ("number", ("1", "2"), "integer", [1, 2]),
        ("json", ('{"a": 1}', "[1]"), "object", [{"a": 1}, [1]]),
        ("json", ('{"a": 1}', "7"), "string", ['{"a": 1}', "7"]),
        ("csv", ("a,b", "c"), "string", ["a,b", "c"]),
    ],
)
def test_payloads_have_the_type_that_they_say(kind, values, type_, expected):
    rows = [{"name": f"v{at}", "weight": 1, "payload": {"type": kind, "value": text}} for at, text in enumerate(values)]
    entry = entry_of(strategy(), variants=rows)
    assert (entry.type, list(entry.definition.variants.values())) == (type_, expected)


def test_what_a_flag_depends_on_becomes_a_prerequisite():
    child = feature(strategy(), name="child", dependencies=[{"feature": "parent"}])
    found, _ = only(sent(feature(strategy(), name="parent"), child))
    needs = found["child"].definition
    assert (needs.prerequisites, needs.unmet_variant) == ({"parent": ["on"]}, "off")


@pytest.mark.parametrize(
    ("needs", "sentence"),
    [
        ([{"feature": "nowhere"}], "does not have"),
        ([{"feature": "parent", "enabled": False}], "being off"),
        ([{"feature": "parent", "variants": ["x"]}], "a variant that parent does not have"),
        ([{"feature": "child"}], "depends on itself"),
        ([{"feature": "broken"}], "refused"),
        ([5], "does not have"),
        ("parent", "not a list"),
    ],
)
def test_a_dependency_that_cannot_be_said_is_refused(needs, sentence):
    others = [feature(strategy(), name="parent"), feature(strategy("mine"), name="broken")]
    _, refused = only(sent(*others, feature(strategy(), name="child", dependencies=needs)))
    assert sentence in refused["child"]


def test_off_is_the_default_in_code_and_that_is_said():
    entry = entry_of(strategy("userWithId", {"userIds": "7"}), enabled=False)
    assert (entry.definition.enabled, bool(entry.definition.targeting)) == (False, True)
    assert any("in Unleash they got false" in sentence for sentence in entry.warnings)


def test_what_a_flag_is_besides_comes_along():
    tags = [
        {"featureName": "f", "tagType": "simple", "tagValue": "a,b"},
        {"featureName": "f", "type": "team", "value": "x"},
    ]
    found, _ = only(exported(feature(strategy()), featureTags=tags), "production")
    assert found["f"].shared.tags == ("a b", "team:x")
    killed = entry_of(strategy(), type="kill-switch", description="stops it").shared
    assert (killed.kind, killed.description) == ("kill_switch", "stops it")


def test_every_environment_of_an_old_export_is_read():
    rows = [{"featureName": "f", "environment": place, "enabled": place == "b"} for place in ("a", "b")]
    plans = [{"id": "1", "featureName": "f", "environment": "b", "strategyName": "userWithId",
              "parameters": {"userIds": "7"}}]  # fmt: skip
    joined = {"segments": [{"id": 3, "name": "s", "constraints": []}],
              "featureStrategySegments": [{"featureStrategyId": "1", "segmentId": 3}]}  # fmt: skip
    bare = [{"name": "f", "variants": []}, {"name": "gone", "archived": True}]
    text = json.dumps(
        {"version": 4, "features": bare, "featureStrategies": plans, "featureEnvironments": rows, **joined}
    )
    found = read_import(text)
    assert list(found.documents) == ["a", "b"]
    assert found.notes == ("1 archived feature was left out.",)
    assert answer(found.documents["b"].flags[0], targetingKey="7") is True
    assert any("segment “s”" in sentence for sentence in found.documents["b"].flags[0].warnings)
