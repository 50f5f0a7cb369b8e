"""Every row of resolution, bucketing and OFREP's statuses, asked by raw HTTP and by the Python client."""

import json

import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from sqlalchemy import update

from dashboard.flags.bucketing import split
from dashboard.flags.imports import ensure_environment, import_document
from dashboard.flags.models import FlagRevision
from dashboard.ofrep.answers import Evaluations
from dashboard.store import db
from tests.ofrep.conftest import Application, add_key, until

HALVES = [["a", 50], ["b", 50]]
MANY = [[letter, 1] for letter in "abcdefghijklmnopqrstuvwxyz"]
SUITS = [["clubs", 25], ["diamonds", 25], ["hearts", 25], ["spades", 25]]
JACK = {"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "user.name"}]}, *SUITS]}
TEXTS = {name: name for name, _ in [*MANY, *SUITS]} | {"true": "yes", "false": "no", "empty": ""}


def flag(targeting=None, default="a", **more):
    named = {"state": "ENABLED", "variants": TEXTS, "defaultVariant": default, "targeting": targeting} | more
    return {name: value for name, value in named.items() if value is not None}


def fixed(value):
    return {"state": "ENABLED", "variants": {"on": value}, "defaultVariant": "on"}


DOCUMENT = {
    "metadata": {"flagSetId": "rows", "version": 1},
    "flags": {
        "off": flag({"nope": 1}, state="DISABLED", metadata={"version": 2}),
        "simple": flag(),
        "empty-rule": flag({}),
        "no-default": flag(default=None),
        "empty-rule-no-default": flag({}, default=None),
        "null": flag({"if": [False, "b"]}),
        "null-no-default": flag({"if": [False, "b"]}, default=None),
        "true": flag({"!!": [1]}),
        "false": flag({"!": [1]}),
        "named": flag({"if": [{"==": [{"var": "plan"}, "pro"]}, "b"]}),
        "drawn": flag({"fractional": ["seed", ["b", 1]]}),
        "lost": flag({"cat": ["nowhere"]}),
        "operator": flag({"nope": [1]}, metadata={"team": "a"}),
        "reference": flag({"$ref": "nobody"}),
        "bad-version": flag({"if": [{"sem_ver": ["1.2.3.4", "=", "1"]}, "b"]}),
        "bad-sign": flag({"sem_ver": ["1", "?", "1"]}),
        "bad-text": flag({"starts_with": [5, "a"]}),
        "no-weights": flag({"fractional": ["k", ["b", 0]]}),
        "blank": flag(default="empty"),
        "untrue": fixed(False),
        "whole-zero": fixed(0),
        "nought": fixed(0.0),
        "bare": fixed({}),
        "suit": flag(JACK),
        "fractional-flag": flag(JACK),
        "implicit": flag({"fractional": MANY}),
        "number": flag({"fractional": [{"var": "age"}, *MANY]}, default=None),
        "nobody": flag({"fractional": [{"var": "nobody"}, *MANY]}, default=None),
        "weights": flag({"fractional": [{"cat": ["x", {"var": "targetingKey"}]}, ["b", -5], ["c", {"+": [1, 1]}]]}),
    },
}
PRO = {"plan": "pro"}
USER = {"targetingKey": "u1", "age": 7, "user": {"name": "jack"}}
STATIC, DEFAULT, MATCH = "STATIC", "DEFAULT", "TARGETING_MATCH"
# flag, context, then either reason, variant (None: no value) or the error code
ROWS = [
    ("unknown", {}, "FLAG_NOT_FOUND"),
    ("off", {}, "DISABLED", None),
    ("simple", {}, STATIC, "a"),
    ("empty-rule", {}, STATIC, "a"),
    ("no-default", {}, DEFAULT, None),
    ("empty-rule-no-default", {}, DEFAULT, None),
    ("null", {}, DEFAULT, "a"),
    ("null-no-default", {}, DEFAULT, None),
    ("true", {}, MATCH, "true"),
    ("false", {}, MATCH, "false"),
    ("named", PRO, MATCH, "b"),
    ("named", {"plan": "free"}, DEFAULT, "a"),
    ("drawn", {}, MATCH, "b"),
    ("lost", {}, "GENERAL"),
    ("operator", {}, "PARSE_ERROR"),
    ("reference", {}, "PARSE_ERROR"),
    ("bad-version", {}, DEFAULT, "a"),
    ("bad-sign", {}, DEFAULT, "a"),
    ("bad-text", {}, DEFAULT, "a"),
    ("no-weights", {}, DEFAULT, "a"),
    ("blank", {}, STATIC, "empty"),
    ("weights", USER, MATCH, "c"),
    ("implicit", {}, DEFAULT, "a"),
    ("implicit", {"targetingKey": ""}, DEFAULT, "a"),
]
BUCKETED = {
    "v2": [
        ("fractional-flag", USER, MATCH, "hearts"),
        ("implicit", USER, MATCH, split("implicitu1", MANY)),
        ("number", USER, DEFAULT, None),
        ("nobody", USER, MATCH, split("nobodyu1", MANY)),
    ],
    "v3": [
        ("fractional-flag", USER, MATCH, "diamonds"),
        ("implicit", USER, MATCH, split(["implicit", "u1"], MANY, "v3")),
        ("number", USER, MATCH, split(7, MANY, "v3")),
        ("nobody", USER, DEFAULT, None),
    ],
}
EVERY = [(version, row) for version, more in BUCKETED.items() for row in (ROWS if version == "v2" else []) + more]


@pytest.fixture(scope="module")
def sets(untouched, address):
    """Bucketing → an application with raw HTTP, and one with the Python client."""
    found = {}
    with untouched.app_context():
        for version in BUCKETED:
            import_document(json.dumps(DOCUMENT), f"rows-{version}")
            place = ensure_environment(f"rows-{version}").id
            db.session.execute(
                update(FlagRevision).where(FlagRevision.environment_id == place).values(bucketing=version)
            )
            db.session.commit()
            raw = Application(untouched, add_key(f"rows-{version}"))
            provider = OFREPProvider(address, headers_factory=lambda key=raw.key: {"X-API-Key": key})
            api.set_provider(provider, version)
            found[version] = (raw, api.get_client(version))
            until(lambda raw=raw: raw.flag("simple").status_code == 200)
    yield found
    api.clear_providers()


def expected_of(key, told):
    """What raw HTTP says, without metadata and the sentence of an error."""
    if len(told) == 1:
        return {"key": key, "errorCode": told[0]}
    reason, variant = told
    return {"key": key, "reason": reason, "variant": variant or ""} | ({"value": TEXTS[variant]} if variant else {})


@pytest.mark.parametrize(("version", "row"), EVERY, ids=lambda part: part if isinstance(part, str) else part[0])
def test_every_row_is_answered_alike_one_by_one_and_all_at_once(sets, version, row):
    key, context, *told = row
    raw, _ = sets[version]
    answer = raw.flag(key, context)
    assert answer.status_code == {"FLAG_NOT_FOUND": 404, "GENERAL": 400, "PARSE_ERROR": 400}.get(told[0], 200)
    metadata = {} if key == "unknown" else DOCUMENT["metadata"] | DOCUMENT["flags"][key].get("metadata", {})
    assert answer.json.pop("metadata", {}) == metadata
    assert bool(answer.json.pop("errorDetails", "")) is (len(told) == 1)
    assert {k: v for k, v in answer.json.items() if k not in {"metadata", "errorDetails"}} == expected_of(key, told)
    listed = {one["key"]: one for one in raw.bulk(context).json["flags"]}
    assert listed.get(key, answer.json) == answer.json


@pytest.mark.parametrize(("version", "row"), EVERY, ids=lambda part: part if isinstance(part, str) else part[0])
def test_the_python_client_understands_every_row(sets, version, row):
    key, context, *told = row
    attributes = {name: value for name, value in context.items() if name != "targetingKey"}
    asked = EvaluationContext(context.get("targetingKey"), attributes)
    found = sets[version][1].get_string_details(key, "in code", asked)
    if len(told) == 1:
        assert (found.value, found.error_code.value, found.reason.value) == ("in code", told[0], "ERROR")
        return
    reason, variant = told
    expected = (TEXTS[variant] if variant else "in code", variant or "", reason, None)
    assert (found.value, found.variant, found.reason.value, found.error_code) == expected


def test_zero_values_are_values_and_another_type_is_the_clients_matter(sets):
    raw, client = sets["v2"]
    assert [raw.flag(key).json["value"] for key in ("untrue", "whole-zero", "bare")] == [False, 0, {}]
    assert '"value":0.0,' in raw.flag("nought").text
    assert client.get_boolean_value("untrue", default_value=True) is False
    assert client.get_integer_value("whole-zero", 5) == 0
    assert client.get_float_value("nought", 5.5) == 0.0
    assert client.get_object_value("bare", {"a": 1}) == {}
    assert client.get_boolean_details("simple", default_value=True).error_code.value == "TYPE_MISMATCH"


def test_a_wrong_key_a_body_too_large_and_a_failure_of_ours_have_their_status(sets, monkeypatch):
    raw, _ = sets["v2"]
    assert raw.flag("simple", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert raw.flag("simple", data=b" " * 65_537).status_code == 413
    monkeypatch.setattr(Evaluations, "one", lambda *_: 1 // 0)
    answer = raw.flag("simple", headers={"Transfer-Encoding": "chunked"})
    assert (answer.status_code, answer.json["key"]) == (500, "simple")
    assert "logged" in answer.json["errorDetails"]
