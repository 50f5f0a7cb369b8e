"""Every row of flagd's resolution table and of OFREP's status table, for one flag."""

import json

import pytest

SET = {"flagSetId": "shop"}


@pytest.mark.parametrize(
    ("key", "context", "body"),
    [
        ("plain", {}, {"reason": "STATIC", "value": True, "variant": "on"}),
        ("zero", {}, {"reason": "STATIC", "value": False, "variant": "no"}),
        ("whole", {}, {"reason": "STATIC", "value": 7, "variant": "a"}),
        ("text", {}, {"reason": "STATIC", "value": "Zürich", "variant": "a"}),
        ("thing", {}, {"reason": "STATIC", "value": {"b": 1, "a": 0.0}, "variant": "a"}),
        ("in-code", {}, {"reason": "DEFAULT", "variant": ""}),
        ("null-code", {}, {"reason": "DEFAULT", "variant": ""}),
        ("staff", {"email": "a@shop.example"}, {"reason": "TARGETING_MATCH", "value": 1, "variant": "true"}),
        ("staff", {"email": "a@b.example"}, {"reason": "TARGETING_MATCH", "value": 2, "variant": "false"}),
        ("staff", {"email": 5}, {"reason": "DEFAULT", "variant": ""}),
        ("chosen", {"plan": "pro"}, {"reason": "TARGETING_MATCH", "value": 2, "variant": "b"}),
        ("chosen", {"plan": "free"}, {"reason": "DEFAULT", "value": 1, "variant": "a"}),
        ("split", {"targetingKey": "u3"}, {"reason": "TARGETING_MATCH", "value": 1, "variant": "a"}),
        ("split", {}, {"reason": "DEFAULT", "variant": ""}),
    ],
)
def test_a_flag_resolves_as_flagd_resolves_it(application, key, context, body):
    answer = application.flag(key, context)
    assert answer.status_code == 200
    assert answer.json == {"key": key, "metadata": SET} | body


def test_a_disabled_flag_has_no_value_and_its_rule_is_not_asked(application):
    assert application.flag("asleep").json == {
        "key": "asleep", "reason": "DISABLED", "variant": "", "metadata": {"flagSetId": "shop", "team": "search"},
    }  # fmt: skip


def test_a_float_keeps_its_fraction(application):
    assert '"value":1.0,' in application.flag("fraction").text


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        ("nothing", 404, "FLAG_NOT_FOUND"),
        ("a/b", 404, "FLAG_NOT_FOUND"),
        ("elsewhere", 400, "GENERAL"),
        ("unknown-op", 400, "PARSE_ERROR"),
        ("unknown-ref", 400, "PARSE_ERROR"),
    ],
)
def test_what_cannot_be_resolved_says_so_in_ofreps_words(application, key, status, code):
    answer = application.flag(key)
    assert answer.status_code == status
    assert (answer.json["key"], answer.json["errorCode"]) == (key, code)
    assert answer.json["errorDetails"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b"\x00", "PARSE_ERROR"),
        (b"\xff\xfe", "PARSE_ERROR"),
        (b"[]", "PARSE_ERROR"),
        (b"5", "PARSE_ERROR"),
        (b'{"context": null}', "INVALID_CONTEXT"),
        (b'{"context": []}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": 5}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "a\\u0000b"}}', "INVALID_CONTEXT"),
        (b'{"context": {"a": "\\ud800"}}', "INVALID_CONTEXT"),
        (b'{"context": {"a": ' + b"[" * 100 + b"]" * 100 + b"}}", "INVALID_CONTEXT"),
        (b'{"context": {"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}}", "INVALID_CONTEXT"),
        (b'{"context": {"a": ' + b'[{"b": ' * 5_000 + b"1" + b"}]" * 5_000 + b"}}", "INVALID_CONTEXT"),
        (b'{"context": {"a": [' + b"[]," * 20_000 + b"1]}}", "INVALID_CONTEXT"),
        (b'{"context": {"a": ' + b"[" * 20_000, "INVALID_CONTEXT"),
        (b'{"context": {"a": "' + b"\\ud800" * 10_000 + b'"}}', "INVALID_CONTEXT"),
        (b'{"context": {"a": ' + b"9" * 10_000 + b"}}", "PARSE_ERROR"),
    ],
)
def test_hostile_bodies_are_refused(application, body, code):
    for asked in (application.flag("plain", data=body), application.bulk(data=body)):
        assert asked.status_code == 400
        assert asked.json["errorCode"] == code


@pytest.mark.parametrize(
    "value",
    [
        b'"' + b"[{" * 20_000 + b'"',
        b'"\\\\", "b": "' + b"[" * 99 + b'\\"{"',
        b"[" * 63 + b"]" * 63,
        b"[[],{}]," * 300 + b"1",
    ],
)
def test_brackets_in_texts_and_a_wide_context_are_nothing_hostile(application, value):
    body = b'{"context": {"a": ' + (b"[%s]" % value if value.endswith(b"1") else value) + b"}}"
    assert application.bulk(data=body).status_code == 200


def test_ten_megabytes_are_too_many(application):
    body = b'{"context": {"a": "' + b"x" * 10_000_000 + b'"}}'
    assert application.flag("plain", data=body).status_code == 413
    assert application.bulk(data=body).status_code == 413


def test_a_forged_flagd_is_overwritten(application):
    forged = {"targetingKey": "u3", "$flagd": {"flagKey": "other", "timestamp": "x"}}
    assert application.flag("split", forged).json == application.flag("split", {"targetingKey": "u3"}).json


def test_a_request_without_context_is_evaluated(application):
    assert application.flag("plain", data=json.dumps({})).json["value"] is True


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": ""}, {"Authorization": "Bearer wrong"}, {"Authorization": "", "X-API-Key": "ph_flags_no"}],
)
def test_an_unknown_key_is_401(application, headers):
    assert application.flag("plain", headers=headers).status_code == 401


def test_a_key_may_be_sent_as_x_api_key(application):
    assert application.flag("plain", headers={"Authorization": "", "X-API-Key": application.key}).status_code == 200


def test_get_is_not_an_evaluation(application):
    assert application.client.get("/ofrep/v1/evaluate/flags/plain").status_code == 405
