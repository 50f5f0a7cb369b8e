"""Evaluations before Flask: the same answers as Flask gives, and nothing that the guard would refuse."""

import re
from types import SimpleNamespace

import pytest
from werkzeug.test import Client

from dashboard.flags import live
from dashboard.metrics import OWN
from dashboard.ofrep.short_way import ShortWay
from dashboard.security import tokens
from tests.ofrep.conftest import Application, add_key

BULK = "/ofrep/v1/evaluate/flags"
ORIGIN = "https://shop.example"
NONCE = re.compile(r"'nonce-[^']*'")


@pytest.fixture(scope="session")
def keys(untouched):
    with untouched.app_context():
        browser = add_key("staging", browser=True, origins=[ORIGIN])
        found = {"server": add_key("staging"), "browser": browser, "unknown": "ph_flags_wrong"}
    live.of(untouched).sets()
    for key in found.values():
        Application(untouched, key).bulk(headers={"Origin": ORIGIN})
    known = tokens.of(untouched).known
    while not (known(found["server"]) and known(found["browser"])):
        pass
    return found


@pytest.fixture
def ways(untouched):
    """The same request on the long way and on the short one, which counts what it leaves to the other."""
    long_way = untouched.wsgi_app._long_way
    left = []

    def leave(*given):
        left.append(given)
        return long_way(*given)

    return SimpleNamespace(long=Client(long_way), short=Client(ShortWay(untouched, leave)), left=left)


def seen(answer):
    headers = [(name, NONCE.sub("", value)) for name, value in answer.headers if name != "X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    return answer.status, sorted(headers), re.sub(rb'"request_id":\s*"[^"]*"', b"", answer.data)


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        (BULK, b'{"context": {"plan": "pro"}}', {}),
        (BULK, b'{"context": {"targetingKey": 5}}', {}),
        (BULK, b"{}", {"If-None-Match": "*"}),
        (BULK, b"{}", {"Origin": ORIGIN}),
        (f"{BULK}/plain", b"{}", {}),
        (f"{BULK}/chosen", b'{"context": {"plan": "pro"}}', {"Origin": ORIGIN}),
        (f"{BULK}/asleep", b"{}", {}),
        (f"{BULK}/unknown-op", b"{}", {}),
        (f"{BULK}/nothing", b"{}", {}),
        (f"{BULK}/plain", b"[" * 100, {}),
    ],
)
@pytest.mark.parametrize("kind", ["server", "browser"])
def test_both_ways_answer_alike(ways, keys, kind, path, body, headers):
    sent = {"X-API-Key": keys[kind], "Origin": ORIGIN} | headers
    if kind == "server":
        sent = {"Authorization": f"bearer {keys[kind]}"} | headers
    expected = seen(ways.long.post(path, data=body, headers=sent))
    assert seen(ways.short.post(path, data=body, headers=sent)) == expected
    assert ways.left == []


@pytest.mark.parametrize(
    ("path", "kind", "headers", "status"),
    [
        (BULK, "unknown", {}, 401),
        (BULK, "browser", {}, 403),
        (BULK, "browser", {"Origin": "https://other.example"}, 403),
        (BULK, "server", {"Host": "evil.example"}, 400),
        (BULK, "server", {"Authorization": "Basic eDp5"}, 200),
        (f"{BULK}/", "server", {}, 404),
        (f"{BULK}x", "server", {}, 404),
        (f"{BULK}/a%00b", "server", {}, 404),
        (f"{BULK}/%C3%BC", "server", {}, 404),
        ("/flags/v1/staging/flags.json", "server", {}, 405),
    ],
)
def test_what_is_not_in_order_is_left_to_the_guard(ways, keys, path, kind, headers, status):
    answer = ways.short.post(path, data=b"{}", headers={"X-API-Key": keys[kind]} | headers)
    assert (answer.status_code, len(ways.left)) == (status, 1)


def test_a_view_without_a_right_is_not_answered(ways, keys, untouched, monkeypatch):
    monkeypatch.setitem(untouched.view_functions, "ofrep.evaluate_flags", lambda: "")
    assert ways.short.post(BULK, data=b"{}", headers={"X-API-Key": keys["server"]}).status_code == 403


def test_both_ways_count_requests(ways, keys):
    def counted():
        labels = {"view": "ofrep.evaluate_flags", "status": "200"}
        return OWN.get_sample_value("pilothouse_request_seconds_count", labels) or 0

    before = counted()
    for way in (ways.long, ways.short):
        way.post(BULK, data=b"{}", headers={"X-API-Key": keys["server"]})
    assert counted() == before + 2


@pytest.mark.parametrize(("told", "status"), [("50", 400), ("2000000", 413), ("-1", 400), ("", 400), ("²", 400)])
def test_a_body_of_another_size_than_was_told_is_no_evaluation(ways, keys, told, status):
    sent = {"headers": {"X-API-Key": keys["server"]}, "environ_overrides": {"CONTENT_LENGTH": told}}
    assert ways.short.post(BULK, data=b'{"context"', **sent).status_code == status
    assert len(ways.left) == 1


@pytest.mark.usefixtures("broken")
def test_what_fails_on_the_short_way_is_answered_and_logged_on_the_long_one(ways, keys, caplog):
    answer = ways.short.post(
        f"{BULK}/broken", data=b'{"context": {"plan": "pro"}}', headers={"X-API-Key": keys["server"]}
    )
    assert (answer.status_code, answer.json["key"], answer.json["errorCode"]) == (500, "broken", "GENERAL")
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])
    said = [(record.message, record.exc_info[0]) for record in caplog.records if record.exc_info]
    assert said == [("an evaluation failed before Flask", TypeError), ("an evaluation failed", TypeError)]
    assert len(ways.left) == 1
    assert ways.short.post(f"{BULK}/plain", data=b"{}", headers={"X-API-Key": keys["server"]}).status_code == 200
