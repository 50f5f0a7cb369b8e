"""Why slots hold WAL and where standbys stand, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.server.replication import lags, last_heard, remember, standing, unheard, why_held

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GB = 2**30
SLOT = {
    "name": "o'brien", "kind": "physical", "plugin": None, "database": None, "is_temporary": False, "is_active": True,
    "active_pid": 7, "xmin_age": None, "catalog_xmin_age": None, "wal_status": "reserved", "safe_bytes": None,
    "held_bytes": 100, "unconfirmed_bytes": None, "was_used": True, "inactive_since": None,
    "invalidation_reason": None, "is_conflicting": None, "idle_seen_since": None,
}  # fmt: skip
LOGICAL = SLOT | {"kind": "logical", "unconfirmed_bytes": 100}
GONE = SLOT | {"is_active": False, "active_pid": None, "held_bytes": 5 * GB, "idle_seen_since": NOW.isoformat()}
SENDER = {
    "pid": 7, "application": "one", "address": None, "state": "streaming", "unsent_bytes": 0, "unreplayed_bytes": 9,
    "replay_lag_ms": 3.0,
}  # fmt: skip
RECEIVER = {"status": "streaming", "heard_at": NOW.isoformat(), "unreceived_bytes": 0}
POSITION = {
    "asked_at": NOW.isoformat(), "replayed_at": (NOW - timedelta(minutes=10)).isoformat(), "unreplayed_bytes": 0,
    "receiver": RECEIVER,
}  # fmt: skip


@pytest.mark.parametrize(
    ("slot", "senders", "level", "words"),
    [
        (SLOT, [SENDER], "good", "Its reader keeps up."),
        (SLOT | {"wal_status": "lost"}, [], "bad", "fell behind further than max_slot_wal_keep_size allows"),
        (SLOT | {"invalidation_reason": "idle_timeout"}, [], "bad", "longer than idle_replication_slot_timeout"),
        (SLOT | {"is_conflicting": True}, [], "bad", "it conflicts with recovery here"),
        (SLOT | {"was_used": False}, [], "info", "Never used"),
        (GONE, [], "warn", "2026-11-21 12:00 UTC at the latest: the standby is stopped or gone. 5 GB of WAL wait"),
        (GONE, [], "warn", "No limit is set (max_slot_wal_keep_size is -1): it can fill the disk."),
        (GONE | {"inactive_since": NOW.isoformat()}, [], "warn", "since 2026-11-21 12:00 UTC: the standby"),
        (GONE | {"kind": "logical"}, [], "warn", "the subscriber is stopped or gone"),
        (GONE | {"safe_bytes": GB}, [], "warn", "After 1 GB more it will be lost."),
        (GONE | {"wal_status": "unreserved"}, [], "bad", "The next checkpoint may remove what it needs."),
        (GONE | {"xmin_age": 2_000_000}, [], "warn", "keeps vacuum from removing rows of the last 2 M transactions"),
        (SLOT | {"held_bytes": GB}, [SENDER], "warn", "writes or applies slower than this server"),
        (SLOT | {"held_bytes": GB}, [SENDER | {"state": "catchup"}], "warn", "catches up and is 1 GB behind"),
        (SLOT | {"held_bytes": GB}, [SENDER | {"unsent_bytes": GB}], "warn", "are not even sent"),
        (LOGICAL | {"held_bytes": GB}, [SENDER], "warn", "a transaction that is still open"),
    ],
)
def test_a_slot_says_why_it_holds_wal(slot, senders, level, words):
    reason = why_held(slot, senders)
    assert reason.level == level
    assert words in reason.text


def test_the_remedy_quotes_the_name_of_the_slot():
    assert why_held(GONE, []).remedy_sql == "SELECT pg_drop_replication_slot('o''brien');"
    assert why_held(SLOT, [SENDER]).remedy_sql is None


def test_an_idle_slot_is_remembered_since_it_was_first_seen_idle():
    idle, busy = {"name": "a", "is_active": False}, {"name": "a", "is_active": True}
    first = remember([idle], [], NOW)
    assert remember([idle], first, NOW + timedelta(hours=1))[0]["idle_seen_since"] == NOW.isoformat()
    assert remember([busy], first, NOW)[0]["idle_seen_since"] is None


@pytest.mark.parametrize(
    ("changed", "level", "lag_bytes", "lag_ms"),
    [
        ({}, "good", 0, 0.0),
        ({"unreplayed_bytes": 50}, "good", 50, 600_000.0),
        ({"unreplayed_bytes": GB}, "warn", GB, 600_000.0),
        ({"receiver": RECEIVER | {"unreceived_bytes": 50}}, "good", 50, 600_000.0),
        ({"receiver": RECEIVER | {"heard_at": (NOW - timedelta(minutes=5)).isoformat()}}, "bad", 0, None),
        ({"receiver": RECEIVER | {"status": None}}, "unknown", 0, None),
        ({"receiver": None}, "warn", None, None),
    ],
)
def test_the_time_of_the_last_transaction_is_no_lag_while_nothing_waits(changed, level, lag_bytes, lag_ms):
    stands = standing(POSITION | changed)
    assert (stands.level, stands.lag_bytes, stands.lag_ms) == (level, lag_bytes, lag_ms)


def test_a_standby_without_a_connection_says_since_when_nothing_came():
    assert "Nothing came" not in standing(POSITION | {"receiver": None}).note
    alone = standing(POSITION | {"receiver": None, "heard_at": NOW.isoformat()})
    assert alone.note.endswith("Nothing came since 2026-11-21 12:00 UTC.")


def test_two_followers_of_one_name_are_told_as_the_one_further_behind():
    found = {"is_standby": False, "slots": [], "senders": [SENDER, SENDER | {"unreplayed_bytes": 70}]}
    assert [(lag.name, lag.lag_bytes) for lag in lags(found)] == [("one", 70)]


ALONE = POSITION | {"lsn": "9/FF", "asked_primary": True, "receiver": None}
LONG_AGO = (NOW - timedelta(minutes=9)).isoformat()


@pytest.mark.parametrize(
    ("position", "before", "heard_at"),
    [
        (ALONE, {}, NOW.isoformat()),
        (ALONE, {"lsn": "9/FF", "heard_at": LONG_AGO}, LONG_AGO),
        (ALONE | {"lsn": "10/0"}, {"lsn": "9/FF", "heard_at": LONG_AGO}, NOW.isoformat()),
        (ALONE | {"receiver": RECEIVER}, {"lsn": "9/FF", "heard_at": LONG_AGO}, NOW.isoformat()),
        (ALONE | {"receiver": {"status": None, "heard_at": None}}, {}, NOW.isoformat()),
        (ALONE | {"asked_primary": False}, {"lsn": "9/FF", "heard_at": LONG_AGO}, None),
    ],
)
def test_a_standby_heard_last_when_its_primary_spoke_or_wal_came(position, before, heard_at):
    assert last_heard(position, before) == heard_at


@pytest.mark.parametrize(
    ("changed", "seconds"),
    [
        ({}, 540.0),
        ({"receiver": RECEIVER | {"status": "waiting"}}, 540.0),
        ({"receiver": RECEIVER}, None),
        ({"receiver": {"status": None}}, None),
        ({"heard_at": None}, None),
    ],
)
def test_only_a_standby_that_is_not_connected_is_without_its_primary(changed, seconds):
    told = unheard(ALONE | {"heard_at": LONG_AGO} | changed)
    assert (told and told[1]) == seconds
