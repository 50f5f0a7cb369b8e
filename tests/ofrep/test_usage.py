"""Evaluations are counted in memory and added to the store: by flag, variant, reason and key, within bounds."""

import os
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from dashboard.flags import matrix, staleness, usage, usage_queries
from dashboard.flags.queries import flag_by_key
from dashboard.flags.usage_counts import Counts
from dashboard.flags.usage_models import FlagDownload, FlagSeen, FlagUsage, UnknownFlag
from dashboard.security.models import ApiKey
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.ofrep.conftest import Application, add_key, store_away, until

AGED = (
    "update flag_setting set created_at = :since",
    "update flag_seen set first_at = :since, seen_at = :last",
    "update flag_bulk set seen_at = :last",
)


@pytest.fixture
def counted(served, changing):
    """Flush and ask a question about what is stored then."""

    def ask(question):
        usage.of(served).flush()
        with served.app_context():
            return question()

    return ask


def kinds(key="plain"):
    here = environment_by_slug("staging").id
    rows = usage_queries.use_of(key, [here], datetime.now(UTC)).kinds
    return {(row.variant, row.reason): (row.count, row.bulk_count) for row in rows}


def days_ago(days):
    return datetime.now(UTC) - timedelta(days=days)


def ground():
    return usage_queries.grounds(datetime.now(UTC))[environment_by_slug("staging").id]


def listed():
    """The flag `plain` where it is set, as the list has it."""
    (place,) = matrix.row_of(flag_by_key("plain").id).places
    return place


def reads():
    return [staleness.read_of(listed(), datetime.now(UTC))]


def test_single_and_bulk_answers_count_each_flag_once(changing, counted):
    changing.flag("plain")
    changing.flag("plain")
    changing.bulk()
    assert counted(kinds) == {("on", "STATIC"): (3, 1)}
    changing.flag("plain")
    assert counted(kinds) == {("on", "STATIC"): (4, 1)}


@pytest.mark.parametrize(
    ("key", "context", "kind"),
    [
        ("asleep", {}, ("", "DISABLED")),
        ("in-code", {}, ("", "DEFAULT")),
        ("chosen", {"plan": "pro"}, ("b", "TARGETING_MATCH")),
        ("unknown-op", {}, ("", "PARSE_ERROR")),
        ("thing", {}, ("a", "STATIC")),
    ],
)
def test_an_evaluation_is_counted_by_variant_and_reason(changing, counted, key, context, kind):
    changing.flag(key, context)
    assert counted(lambda: kinds(key)) == {kind: (1, 0)}


def test_who_only_ever_hears_that_nothing_changed_evaluates_nothing_and_goes_on_using_all_flags(
    served, changing, counted
):
    etag = changing.bulk().headers["ETag"]
    counted(lambda: None)
    with served.app_context():
        for statement in AGED:
            db.session.execute(text(statement), {"since": days_ago(90), "last": days_ago(40)})
        db.session.commit()
    assert counted(reads) == ["unread"]
    assert changing.bulk(headers={"If-None-Match": etag}).status_code == 304
    assert counted(reads) == ["unknown"]
    assert counted(kinds) == {("on", "STATIC"): (1, 1)}
    changing.flag("plain")
    assert counted(reads) == ["read"]


def test_a_flag_asked_for_by_its_name_is_evaluated_whatever_the_client_has(changing, counted):
    answer = changing.flag("plain", headers={"If-None-Match": changing.bulk().headers["ETag"]})
    assert (answer.status_code, "ETag" in answer.headers) == (200, False)
    assert counted(kinds) == {("on", "STATIC"): (2, 1)}


def test_who_asks_for_all_flags_is_known_by_key_and_kind(served, changing, counted):
    with served.app_context():
        shop = Application(served, add_key("staging", browser=True, origins=["https://shop.example"]))
    assert shop.bulk(headers={"Origin": "https://shop.example"}).status_code == 200
    assert (counted(ground).browsers, counted(ground).others) == (("test",), ())
    changing.bulk()
    assert (counted(ground).browsers, counted(ground).others) == (("test",), ("test",))


def test_each_key_is_counted_by_itself(served, changing, counted):
    with served.app_context():
        other = Application(served, add_key("staging"))
    changing.flag("plain")
    other.flag("plain")
    assert len(counted(lambda: list(db.session.scalars(select(FlagUsage.api_key_id).distinct())))) == 2


def test_unknown_keys_are_listed_with_what_became_of_them(served, changing, counted, sign_in):
    for key in ("plian", "plian", "a/b", "x" * 300, "<script>", "Zürich"):
        assert changing.flag(key).status_code == 404
    counted(lambda: None)
    viewer = sign_in(served, "viewer")
    (found,) = viewer.get("/flags/unknown?format=json").json["rows"]
    assert (found["environment"], found["key"], found["count"], found["state"]) == ("staging", "plian", 2, "missing")
    assert "no such flag" in viewer.get("/flags/unknown").text
    assert viewer.get("/flags/unknown?q=nothing&sort=count&dir=asc").status_code == 200


def test_the_page_of_a_flag_shows_its_evaluations(served, changing, counted, sign_in):
    changing.flag("plain")
    counted(lambda: None)
    text = sign_in(served, "viewer").get("/flags/plain").text
    assert "by its own name" in text.lower()
    assert "STATIC" in text


def test_unknown_keys_are_bounded_the_newest_stay(served, changing, counted, monkeypatch):
    monkeypatch.setattr(usage, "MOST_UNKNOWN", 3)
    for number in range(5):
        changing.flag(f"first-{number}")
    counted(lambda: None)
    changing.flag("later")
    rows = counted(lambda: {row.flag_key for row in db.session.scalars(select(UnknownFlag))})
    assert len(rows) == 3
    assert "later" in rows


def test_kinds_of_answers_are_bounded_too(served, changing, counted, monkeypatch, caplog):
    monkeypatch.setattr(usage, "MOST_ANSWERS", 1)
    changing.flag("plain")
    changing.flag("chosen")
    changing.flag("plain")
    assert counted(kinds) == {("on", "STATIC"): (2, 0)}
    assert "1 answers were not counted" in caplog.text


def test_last_evaluation_and_sparkline_by_environment(changing, counted):
    changing.bulk()
    place = counted(lambda: environment_by_slug("staging").id)
    seen = counted(listed)
    assert (seen.bulk_at > days_ago(1), seen.single_at) == (True, None)
    changing.flag("plain")
    assert counted(listed).single_at > days_ago(1)
    points = counted(lambda: usage_queries.sparkline([place], ["plain"], datetime.now(UTC)))[place, "plain"]
    assert (len(points), sum(count for _, count in points)) == (24, 2)


def test_who_downloads_all_flags_is_noted(changing, counted):
    assert changing.document().status_code == 200
    assert counted(ground).downloaded_at > days_ago(1)
    assert counted(lambda: db.session.scalars(select(FlagDownload.api_key_id)).one())


@pytest.mark.fault
def test_what_a_store_does_not_take_is_counted_later(served, server, changing, counted):
    changing.flag("plain")
    with store_away(server, served):
        usage.of(served).flush()
        changing.flag("plain")
    until(lambda: counted(kinds) == {("on", "STATIC"): (2, 0)}, within_s=20)


def test_what_is_taken_back_is_added_to_what_came_meanwhile():
    counts, taken = Counts(unchanged={(1, 1)}), Counts(unchanged={(1, 2)}, bulk={(1, 3): Counter("a")})
    counts.take_back(taken)
    assert counts.in_bulk() == [(1, 1), (1, 2), (1, 3)]


def test_environments_that_are_gone_keep_nothing_from_being_counted(served, changing, counted):
    usage.of(served).single((999_999, 1), '{"key":"plain","reason":"STATIC","variant":"on"}')
    changing.flag("plain")
    assert counted(kinds) == {("on", "STATIC"): (1, 0)}


def test_processes_that_count_the_same_at_once_lose_nothing(served, changing, counted):
    with served.app_context():
        key = db.session.scalars(select(ApiKey.id)).one()
        place = environment_by_slug("staging").id
    many = [usage.Usage(served) for _ in range(4)]

    def count(one):
        for _ in range(5):
            for name in ("plain", "text", "whole"):
                one.single((place, key), f'{{"key":"{name}","reason":"STATIC","variant":"on"}}')
            one.flush()

    threads = [threading.Thread(target=count, args=(one,)) for one in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted(kinds) == {("on", "STATIC"): (20, 0)}


def test_a_clean_stop_writes_down_what_was_counted(served, changing, counted, monkeypatch):
    monkeypatch.setattr(usage, "FLUSH_S", 60)
    usage.start(served)
    changing.flag("plain")
    usage.of(served).stop()
    with served.app_context():
        assert kinds() == {("on", "STATIC"): (1, 0)}


def test_a_fork_counts_nothing_of_its_parent(served, changing):
    changing.flag("plain")
    mine = usage.of(served)
    mine._pid = os.getpid() + 1
    mine.start()
    mine.stop()
    with served.app_context():
        assert db.session.scalar(select(FlagSeen)) is None
