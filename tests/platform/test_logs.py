"""One line of JSON for one event, without secrets, with the request's id."""

import json
import logging

import pytest

from dashboard.logs import JsonLines, secrets_of
from dashboard.settings import load_settings


def line(message, *args, secrets=(), **extra):
    record = logging.LogRecord("dashboard.test", logging.INFO, "file", 1, message, args, None)
    record.__dict__ |= extra
    return JsonLines(secrets).format(record)


def test_a_line_says_when_how_grave_and_what():
    written = json.loads(line("hello %s", "world", path="/tables"))
    assert written["time"].endswith("+00:00")
    assert (written["level"], written["message"], written["path"]) == ("info", "hello world", "/tables")


def test_a_line_break_in_a_value_forges_no_line():
    written = line("user %s", 'eve\n{"level": "error", "message": "forged"}')
    assert len(written.splitlines()) == 1
    assert json.loads(written)["message"].startswith("user eve\n")


def test_secrets_are_replaced_wherever_they_turn_up():
    url = "postgresql://me:sesame-open@host/name"
    settings = load_settings({"DATABASE_URL": url, "SECRET_KEY": 'k"' * 20})
    written = line("failed for %s with %s", "sesame-open", 'k"' * 20, secrets=secrets_of(settings))
    assert "sesame-open" not in written
    assert json.loads(written)["message"] == "failed for ••• with •••"


def test_every_answer_carries_an_id_of_its_own(client):
    first, second = (client.get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert len(first) == 32
    assert first != second


def test_an_id_from_outside_counts_only_behind_a_configured_proxy(client, app):
    sent = {"X-Request-ID": "from-outside-0001"}
    assert client.get("/healthz", headers=sent).headers["X-Request-ID"] != "from-outside-0001"


@pytest.mark.parametrize("sent", ["short", "with space in it", "a" * 65, "line\u2028break-0001"])
def test_an_odd_id_is_never_taken(client, sent):
    answer = client.get("/healthz", headers={"X-Request-ID": sent.encode("ascii", "replace").decode()})
    assert len(answer.headers["X-Request-ID"]) == 32


def test_a_refused_request_is_logged_with_its_id(client, caplog):
    with caplog.at_level(logging.INFO, "dashboard.requests"):
        answer = client.get("/no/such/page")
    assert [(record.path, record.status) for record in caplog.records] == [("/no/such/page", 404)]
    assert answer.headers["X-Request-ID"] in answer.get_data(as_text=True)
