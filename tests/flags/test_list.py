"""The list of flags: what each row tells of reach, use and age, found by filters and orders, in few questions."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select, text, update

from dashboard.flags import edits, matrix, staleness, usage_queries
from dashboard.flags.imports import ensure_environment
from dashboard.flags.list_filters import is_stale
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.rules import Definition
from dashboard.store import db
from tests.flags.conftest import make_flag

PARTLY = Definition(True, {"on": True, "off": False}, "off", {"if": [{"==": [{"var": "plan"}, "pro"]}, "on"]})
ALL_ON = Definition(True, {"on": True, "off": False}, "on")
USED = "insert into flag_usage values (:place, :key, date_trunc('hour', now()), 'on', 'STATIC', 1, :count, 0)"
SEEN = """
insert into flag_seen (environment_id, flag_key, first_at, seen_at, single_at)
values (:place, :key, now() - interval '90 days', now() - :seen, now() - :seen)
"""
ASKED = "insert into {} (environment_id, api_key_id, first_at, seen_at) values (:id, 1, now(), now())"


def keys(browser, query=""):
    return [row["key"] for row in browser.get(f"/flags?format=json&{query}").json["rows"]]


def days(count):
    return timedelta(days=count)


@pytest.fixture
def three(app, flags):
    """checkout is off, search partly on, basket on for all, with some use of the last two."""
    with app.app_context():
        make_flag("search", definition=PARTLY)
        make_flag("basket", definition=ALL_ON)
        staging = ensure_environment("staging").id
        for key, count, seen in (("search", 7, 1), ("basket", 30, 2)):
            db.session.execute(text(USED), {"place": staging, "key": key, "count": count})
            db.session.execute(text(SEEN), {"place": staging, "key": key, "seen": days(seen)})
        db.session.commit()
    return flags


def test_off_is_told_from_partly_on_and_from_on_for_all(as_viewer, three):
    rows = {row["key"]: row for row in as_viewer.get("/flags?format=json").json["rows"]}
    told = {
        key: (row["environments"]["staging"]["state"], row["environments"]["staging"]["reach"])
        for key, row in rows.items()
    }
    assert told == {"checkout": ("off", "off"), "search": ("on", "partly"), "basket": ("on", "on")}
    page = as_viewer.get("/flags").text
    assert page.count("partly on") >= 2
    assert "basket,boolean" in as_viewer.get("/flags?format=csv").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=partly", ["search"]),
        ("state=on", ["basket"]),
        ("state=off", ["checkout"]),
        ("state=partly&environment=production", ["search"]),
        ("sort=evaluations", ["basket", "search", "checkout"]),
        ("sort=evaluations&environment=production", ["basket", "checkout", "search"]),
        ("sort=seen_at", ["search", "basket", "checkout"]),
        ("sort=key&dir=desc", ["search", "checkout", "basket"]),
        ("q=BASK", ["basket"]),
    ],
)
def test_filters_and_orders(as_viewer, three, query, found):
    assert keys(as_viewer, query) == found


def test_a_row_tells_its_use_and_what_is_not_known(as_viewer, three):
    rows = {row["key"]: row for row in as_viewer.get("/flags?format=json").json["rows"]}
    assert (rows["basket"]["evaluations"], rows["checkout"]["evaluations"]) == (30, 0)
    assert rows["basket"]["seen_at"] > rows["basket"]["created_at"][:4]
    page = as_viewer.get("/flags").text
    assert "Evaluations an hour" in page
    assert "never seen" in page


def test_a_row_says_whether_the_last_evaluation_was_its_own_or_in_bulk(app, as_viewer, three, store):
    store.execute(text("update flag_seen set single_at = null where flag_key = 'search'"))
    store.commit()
    rows = {row["key"]: row for row in as_viewer.get("/flags?format=json").json["rows"]}
    assert (rows["basket"]["single_at"], rows["basket"]["bulk_at"]) == (rows["basket"]["seen_at"], None)
    assert (rows["search"]["single_at"], rows["search"]["bulk_at"]) == (None, rows["search"]["seen_at"])
    assert rows["basket"]["environments"]["staging"]["read"] == "read"
    assert as_viewer.get("/flags").text.count(">in bulk<") == 1
    assert ",single_at,bulk_at," in as_viewer.get("/flags?format=csv").text
    assert keys(as_viewer, "sort=seen_at") == ["basket", "search", "checkout"]


def test_before_anything_was_counted_nothing_is_told_as_zero(as_viewer, flags):
    (row,) = as_viewer.get("/flags?format=json").json["rows"]
    assert row["evaluations"] is None
    assert "not counted" in as_viewer.get("/flags").text


def test_the_last_change_is_that_of_any_part(as_operator, flags):
    before = as_operator.get("/flags?format=json").json["rows"][0]["updated_at"]
    form = {"version": 1, "operation_id": "operation-1", "kind": "experiment", "owner": "shop"}
    as_operator.post("/flags/checkout/shared", data=form)
    after = as_operator.get("/flags?format=json").json["rows"][0]
    assert (after["updated_at"] > before, after["updated_by"] != "") == (True, True)


def test_a_page_asks_the_same_few_questions_however_many_rows_it_has(app, as_viewer, three, queries):
    asked = []
    for first in (0, 8):
        with app.app_context():
            for number in range(first, first + 8):
                make_flag(f"flag-{number}", definition=PARTLY)
        as_viewer.get("/flags")
        with queries(app) as seen:
            as_viewer.get("/flags")
        asked.append(len(seen))
    assert asked[0] == asked[1] <= 12


def test_stale_flags_are_marked_found_and_explained(app, as_viewer, three, store):
    store.execute(
        update(Flag).where(Flag.key == "search").values(created_at=datetime.now(UTC) - days(50), expected_life_d=40)
    )
    store.commit()
    assert keys(as_viewer, "stale=past_life") == ["search"]
    assert "past its life" in as_viewer.get("/flags").text
    page = as_viewer.get("/flags/search").text
    assert "It was to live 40 days and is 10 days older." in page
    assert "Finish it and take it out of the code" in page


@pytest.mark.parametrize("table", ["flag_download", "flag_bulk"])
def test_the_filter_finds_exactly_what_the_rules_say(app, flags, table):
    """Every mix of life, outcome, reading, counting and who has all flags, once by SQL and once by the pure rules."""
    with app.app_context():
        places = [ensure_environment(slug) for slug in ("staging", "production")]
        kinds, lives, ages = ("release", "kill_switch"), (None, 40), (0, 20, 40)
        for number, mix in enumerate(product(kinds, lives, ages, (0, 40), (None, 1, 40))):
            an_old_flag(f"mix-{number}", places, *mix)
        db.session.flush()
        db.session.execute(text(ASKED.format(table)), {"id": places[1].id})
        now = datetime.now(UTC)
        known = usage_queries.grounds(now)
        ids = list(db.session.scalars(select(Flag.id).order_by(Flag.id)))
        told = {row.flag.key: {reason.name for reason in row.reasons} for row in matrix._rows(ids, places, known, now)}
        assert len(told) > 70
        for reason in staleness.REASONS:
            found = set(db.session.scalars(select(Flag.key).where(is_stale(reason, known, now))))
            assert found == {key for key, names in told.items() if reason in names}, reason
            assert found


def an_old_flag(key, places, kind, life_d, settled_d, set_d, seen_d):
    now = datetime.now(UTC)
    flag = Flag(
        key=key, type="boolean", kind=kind, expected_life_d=life_d, created_by="tests", created_at=now - days(60)
    )
    db.session.add(flag)
    for place in places if seen_d != 1 else places[:1]:
        flag.settings.append(
            FlagSetting(
                environment_id=place.id, enabled=True, variants={"on": True}, default_variant="on", updated_by="tests",
                reach="on" if settled_d else "partly", outcome="x" if settled_d else None,
                settled_at=now - days(settled_d), created_at=now - days(set_d),
            )
        )  # fmt: skip
        if seen_d is not None:
            seen = days(seen_d if kind == "release" else 35)
            db.session.execute(text(SEEN), {"place": place.id, "key": key, "seen": seen})


def test_a_setting_keeps_its_id_and_the_time_since_when_all_get_the_same(app, flags, store):
    before = store.scalars(select(FlagSetting.public_id).order_by(FlagSetting.id)).first()
    with app.app_context():
        flag, place = flags.flag("checkout"), ensure_environment("staging")
        setting = edits.toggle(flag, place, True, version=None)
        turned_at = setting.settled_at
        edits.set_in_environment(
            flag, place, Definition(True, {"on": True, "off": False, "x": False}, "on"), version=None
        )
        assert (setting.settled_at, setting.public_id, setting.reach) == (turned_at, before, "on")
        edits.set_in_environment(flag, place, PARTLY, version=None)
        assert (setting.reach, setting.outcome, setting.settled_at > turned_at) == ("partly", None, True)
