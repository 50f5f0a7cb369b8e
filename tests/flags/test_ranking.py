"""Of thousands of flags the worker stores orders by use and reasons of staleness; lists show them as they are."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update

from dashboard.flags import list_kept, ranking
from dashboard.flags.imports import ensure_environment
from dashboard.flags.models import Flag
from dashboard.flags.rank import rank
from dashboard.flags.ranking import FlagRanking
from dashboard.store import db

MADE = """
insert into flag (key, description, type, kind, owner, tags, version, created_by, created_at, changed_at,
                  expected_life_d)
select 'flag-' || lpad(cast(n as text), 2, '0'), '', 'boolean', 'release', '', '{}', 1, 'tests',
       now() - case when n % 3 = 0 then 90 else 1 end * interval '1 day', now(), 40
  from generate_series(1, 30) n
"""
SET = """
insert into flag_setting (flag_id, environment_id, enabled, variants, default_variant, flag_metadata, version,
                          updated_by, reach, settled_at, created_at, updated_at)
select id, :place, true, cast('{"on": true}' as json), 'on', cast('{}' as json), 1, 'tests', 'partly', created_at,
       created_at, changed_at
  from flag
 where key like 'flag-%'
"""
USED = """
insert into flag_usage (environment_id, flag_key, slot, variant, reason, api_key_id, count, bulk_count)
select :place, key, date_trunc('hour', now()), 'on', 'STATIC', 1, n * 7 % 31 + 1, 0
  from flag
 cross join lateral cast(right(key, 2) as integer) n
 where key like 'flag-%' and n % 5 > 0
"""
SEEN = """
insert into flag_seen (environment_id, flag_key, first_at, seen_at, single_at)
select :place, key, now() - interval '90 days', now() - n % 3 * interval '1 day', now() - n % 3 * interval '1 day'
  from flag
 cross join lateral cast(right(key, 2) as integer) n
 where key like 'flag-%' and n % 5 > 0
"""

ASKED = (
    "sort=evaluations",
    "sort=seen_at",
    "stale=any",
    "stale=unknown",
    "sort=evaluations&dir=asc",
    "stale=any&kind=release",
)


def keys(app, browser, query):
    app.extensions.pop(list_kept.EXTENSION, None)
    found = browser.get(f"/flags?format=json&{query}").json
    return [row["key"] for row in found["rows"]], found["total"]


def ranked(app, fewest=1):
    with app.app_context():
        stored = rank(datetime.now(UTC), fewest)
        db.session.commit()
    return stored


@pytest.fixture
def thirty(app, flags):
    """Most are used, each as often as its number says; a third is old."""
    with app.app_context():
        staging = ensure_environment("staging").id
        for statement in (MADE, SET, USED, SEEN):
            db.session.execute(text(statement), {"place": staging})
        db.session.commit()
    return flags


def test_what_is_stored_is_what_would_be_found(app, as_viewer, thirty, queries):
    found = {query: keys(app, as_viewer, query) for query in ASKED}
    assert ranked(app) == 8
    with queries(app) as seen:
        assert {query: keys(app, as_viewer, query) for query in ASKED} == found
    assert not [statement for statement in seen if "flag_usage.count" in statement or "bool_and" in statement]
    assert found["sort=evaluations"][1] == 31
    assert len(found["sort=evaluations"][0]) == 25


def test_a_page_that_is_not_stored_is_looked_for(app, as_viewer, thirty):
    second = keys(app, as_viewer, "sort=evaluations&page=2")
    ranked(app)
    assert keys(app, as_viewer, "sort=evaluations&page=2") == second
    assert (len(second[0]), second[1]) == (6, 31)


def test_a_flag_that_was_archived_or_changed_since_is_shown_as_it_is(app, as_viewer, thirty, store):
    ranked(app)
    (first, *others), total = keys(app, as_viewer, "sort=evaluations")
    stale = keys(app, as_viewer, "stale=any")[0]
    later = datetime.now(UTC)
    store.execute(update(Flag).where(Flag.key == first).values(archived_at=later, changed_at=later))
    store.execute(update(Flag).where(Flag.key == stale[0]).values(expected_life_d=400, changed_at=later))
    store.commit()
    assert keys(app, as_viewer, "sort=evaluations")[0][:24] == others
    assert keys(app, as_viewer, "sort=evaluations")[1] == total - 1
    assert keys(app, as_viewer, "stale=any")[0] == [key for key in stale[1:] if key != first]


def test_what_is_stored_is_not_shown_when_it_is_old(app, as_viewer, thirty, store):
    ranked(app)
    store.execute(update(FlagRanking).values(flags=[], as_of=datetime.now(UTC) - ranking.FRESH - timedelta(seconds=1)))
    store.commit()
    assert len(keys(app, as_viewer, "stale=any")[0]) == 10


def test_filters_offer_every_owner_and_tag_of_today(app, as_viewer, thirty, store):
    """Also when only some flags are asked for them."""

    def offered():
        app.extensions.pop(list_kept.EXTENSION, None)
        page = as_viewer.get("/flags").text
        return [word for word in ("shop", "billing", "summer", "winter") if f">{word}</option>" in page]

    store.execute(update(Flag).where(Flag.id % 2 == 0).values(owner="shop", tags=["summer"]))
    store.commit()
    ranked(app)
    assert offered() == ["shop", "summer"]
    given = {"owner": "billing", "tags": ["winter"], "changed_at": datetime.now(UTC)}
    store.execute(update(Flag).where(Flag.id % 2 == 1).values(given))
    store.commit()
    assert offered() == ["shop", "billing", "summer", "winter"]


def test_of_few_flags_nothing_is_stored(app, thirty, store):
    ranked(app)
    assert ranked(app, fewest=1_000) == 0
    assert store.scalar(select(FlagRanking.name).limit(1)) is None
    store.execute(delete(FlagRanking))
