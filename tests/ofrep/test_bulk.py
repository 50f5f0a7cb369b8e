"""All flags at once, answered again only when something changed; the flagd document; browsers; the store away."""

import json
from dataclasses import replace

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from dashboard.flags import edits, live
from dashboard.flags.bulk_answers import Always
from dashboard.flags.imports import import_document
from dashboard.flags.ledger import definition_of
from dashboard.flags.queries import cell_of, document_of, flag_by_key
from dashboard.ofrep.kept import Kept, KeptAnswers
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.ofrep.conftest import Application, add_key, store_away, until


def toggle(served, key, enabled=False):
    with served.app_context():
        edits.toggle(flag_by_key(key), environment_by_slug("staging"), enabled=enabled, version=None)
        db.session.commit()


def test_every_flag_is_listed_with_its_failures(application):
    answer = application.bulk({"email": "a@shop.example"})
    flags = {flag["key"]: flag for flag in answer.json["flags"]}
    assert len(flags) == 15
    assert flags["asleep"]["reason"] == "DISABLED"
    assert "value" not in flags["asleep"]
    assert flags["unknown-op"]["errorCode"] == "PARSE_ERROR"
    assert flags["staff"]["value"] == 1
    assert answer.json["metadata"] == {"flagSetId": "shop"}
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "X-API-Key"} <= set(answer.vary)


def test_unchanged_is_304_in_every_way_of_asking(application):
    etag = application.bulk().headers["ETag"]
    assert etag.startswith('"')
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*", etag.strip('"')):
        answer = application.bulk(headers={"If-None-Match": sent})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)
    assert application.bulk(headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_etag_knows_the_attributes_that_rules_read_and_no_others(application):
    etag = application.bulk({"plan": "pro"}).headers["ETag"]
    assert application.bulk({"plan": "pro", "colour": "red"}).headers["ETag"] == etag
    assert application.bulk({"plan": "free"}).headers["ETag"] != etag


def test_the_same_question_gets_the_same_answer_within_bounds(application):
    first, again = application.bulk({"plan": "pro"}), application.bulk({"plan": "pro"})
    assert (first.data, first.headers["ETag"]) == (again.data, again.headers["ETag"])
    kept = KeptAnswers(most_bytes=10)
    for name in ("a", "b", "c"):
        kept.keep(name, Kept(b"12345", (), Always(())))
    assert [kept.find(name) is not None for name in ("a", "b", "c")] == [False, True, True]


def test_a_change_gives_another_etag_and_is_seen_within_moments(served, changing):
    etag = changing.bulk().headers["ETag"]
    toggle(served, "plain")
    until(lambda: changing.flag("plain").json["reason"] == "DISABLED", within_s=0.5)
    assert changing.bulk(headers={"If-None-Match": etag}).status_code == 200


def test_rules_about_the_time_are_evaluated_again(served, changing):
    rule = {"if": [{">": [{"var": "$flagd.timestamp"}, 1]}, "b"]}
    with served.app_context():
        flag, place = flag_by_key("chosen"), environment_by_slug("staging")
        changed = replace(definition_of(cell_of(flag, place).setting), targeting=rule)
        edits.set_in_environment(flag, place, changed, version=None)
        db.session.commit()
    until(lambda: changing.flag("chosen").json["variant"] == "b")
    etag = changing.bulk().headers["ETag"]
    assert changing.bulk(headers={"If-None-Match": etag}).status_code == 304


def test_the_document_is_flagds_and_byte_stable(served, changing):
    answer = changing.document()
    assert answer.json["flags"]["plain"] == {
        "state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "on",
    }  # fmt: skip
    assert '"variants": {"a": 1.0, "b": 1.0e+20}' in answer.text
    assert changing.document(**{"If-None-Match": answer.headers["ETag"]}).status_code == 304
    with served.app_context():
        assert document_of(environment_by_slug("staging")) == answer.text
        assert import_document(answer.text, "staging").changed == []
        assert set(import_document(answer.text, "copy").changed) == set(answer.json["flags"])
        assert document_of(environment_by_slug("copy")) == answer.text


def test_a_key_reads_its_own_environment_only(application):
    assert application.document("production").status_code == 403
    assert application.document("nowhere").status_code == 403


def test_a_browser_key_evaluates_from_its_origins_and_downloads_nothing(untouched):
    with untouched.app_context():
        browser = Application(untouched, add_key("staging", browser=True, origins=["https://shop.example"]))
    ours = browser.bulk(headers={"Origin": "https://shop.example"})
    assert ours.status_code == 200
    assert ours.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "ETag" in ours.headers["Access-Control-Expose-Headers"]
    assert browser.bulk(headers={"Origin": "https://other.example"}).status_code == 403
    assert browser.document(Origin="https://shop.example").status_code == 403


def test_a_preflight_needs_no_key(application):
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = application.client.options("/ofrep/v1/evaluate/flags", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "if-none-match" in answer.headers["Access-Control-Allow-Headers"]


def test_streams_are_announced_when_their_address_is_known(served, changing):
    assert "eventStreams" not in changing.bulk().json
    settings = served.extensions["pilothouse_settings"]
    served.extensions["pilothouse_settings"] = settings.model_copy(update={"events_url": "https://events.example/"})
    (stream,) = changing.bulk().json["eventStreams"]
    assert stream["type"] == "sse"
    assert stream["url"].startswith("https://events.example/events/")


@pytest.mark.fault
def test_evaluation_goes_on_while_the_store_is_away(served, server, changing):
    assert changing.flag("plain").json["value"] is True
    with store_away(server, served):
        for _ in range(3):
            assert changing.flag("plain").json["value"] is True
            assert changing.bulk().status_code == 200
        with served.app_context():
            assert live.state().status in {"fresh", "stale"}
    toggle(served, "plain")
    until(lambda: changing.flag("plain").json["reason"] == "DISABLED")


def test_json_of_the_document_is_what_was_imported(application):
    flags = json.loads(application.document().text)["flags"]
    assert list(flags["thing"]["variants"]["a"]) == ["b", "a"]
    assert flags["staff"]["targeting"] == {"ends_with": [{"var": "email"}, "@shop.example"]}


def test_flagds_own_engine_takes_the_document(application):
    core = FlagdCore()
    core.set_flags(application.document().text)
    assert core.resolve_string_value("text", "", EvaluationContext()).value == "Zürich"
    found = core.resolve_integer_value("chosen", 0, EvaluationContext("u1", {"plan": "pro"}))
    assert (found.value, found.variant, found.reason) == (2, "b", "TARGETING_MATCH")
