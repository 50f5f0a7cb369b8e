"""Which flags have had their time, and why; never a guess."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.flags.staleness import Ground, Place, reasons_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
COUNTED = Ground(counted_since=NOW - timedelta(days=90))


def ago(days):
    return NOW - timedelta(days=days)


def place(name="production", *, outcome=None, settled=60, was_set=60, seen=1, in_bulk=None, ground=COUNTED):
    """`seen`: days ago, by its own name; `in_bulk`: among all flags."""
    single, last = (None if days is None else ago(days) for days in (seen, in_bulk if in_bulk is not None else seen))
    return Place(name, outcome, ago(settled), ago(was_set), last, single, ground)


def reasons(*places, kind="release", created=10, life=40, archived=None):
    return reasons_of(
        kind=kind, created_at=ago(created), expected_life_d=life, archived_at=archived, places=places, now=NOW
    )


def names(*places, **flag):
    return [reason.name for reason in reasons(*places, **flag)]


def test_a_young_flag_that_is_read_and_split_may_stay():
    assert names(place()) == []


def test_past_its_expected_life_with_the_days():
    (reason,) = reasons(place(), created=45)
    assert (reason.name, reason.sentence) == ("past_life", "It was to live 40 days and is 5 days older.")
    assert names(place(), created=39) == []
    assert names(place(), created=4000, life=None) == []
    assert "over since today" in reasons(place(), created=40.5)[0].sentence


def test_the_same_for_everybody_everywhere_for_thirty_days():
    (reason,) = reasons(place(outcome="x", settled=40), place("staging", outcome="x", settled=31))
    assert reason.sentence == "Everybody gets the same variant in every environment, for 31 days."
    assert reasons(place(outcome="", settled=30))[0].sentence.startswith("Everybody gets the default in its code in p")


@pytest.mark.parametrize(
    "others",
    [
        [place("staging", outcome="y")],
        [place("staging", outcome=None)],
        [place("staging", outcome="x", settled=29)],
    ],
)
def test_environments_that_differ_or_changed_lately_are_no_reason(others):
    assert names(place(outcome="x"), *others) == []


@pytest.mark.parametrize("kind", ["operational", "kill_switch", "permission", "configuration"])
def test_what_is_made_to_stay_may_give_everybody_the_same(kind):
    assert names(place(outcome="x"), kind=kind) == []


def test_not_evaluated_although_it_is_counted():
    (reason,) = reasons(place(seen=35), place("staging", seen=None))
    assert reason.name == "not_evaluated"
    assert reason.sentence == "No application asked for it in 30 days; the last time was 35 days ago."
    assert "nor since" in reasons(place(seen=None))[0].sentence


def test_read_in_one_environment_or_set_lately_is_no_reason():
    assert names(place(seen=None), place("staging", seen=2)) == []
    assert names(place(seen=None), place("staging", seen=None, was_set=5)) == []
    assert names() == []


def test_flags_downloaded_for_local_evaluation_are_unknown():
    ground = Ground(ago(90), downloaded_at=ago(1))
    (reason,) = reasons(place(seen=None), place("staging", seen=None, ground=ground))
    assert (reason.name, reason.is_unknown) == ("unknown", True)
    assert "all flags of staging are downloaded" in reason.sentence
    assert names(place(seen=None, ground=Ground(ago(90), downloaded_at=ago(31)))) == ["not_evaluated"]
    assert names(place(seen=3, ground=ground)) == []


def handed_out(days=1, **keys):
    return Ground(ago(90), bulk_at=ago(days), **keys)


def test_a_flag_that_is_only_handed_out_among_all_is_unknown_with_who_gets_it_and_what_to_do():
    (reason,) = reasons(place(seen=None, in_bulk=1, ground=handed_out(browsers=("web-shop",))))
    assert (reason.name, reason.is_unknown) == ("unknown", True)
    assert reason.sentence == (
        "Whether it is still read cannot be known: all flags of production are handed out together to browsers, and "
        "nobody can tell which of them their code reads."
    )
    assert reason.next_step == (
        "Look for its key in the code that uses the API key web-shop; where none has it, archive it."
    )


@pytest.mark.parametrize(
    ("keys", "kind", "code"),
    [
        ({}, "to applications that ask for all at once, and", "in the code that asks in bulk;"),
        ({"others": ("kiosk",)}, "to applications that ask for all at once, and", "uses the API key kiosk;"),
        ({"browsers": ("b",), "others": ("a",)}, "to browsers and other applications that", "uses the API keys a, b;"),
        ({"others": tuple("abcde")}, "to applications that", "uses the API keys a, b, c and 2 more;"),
    ],
)
def test_who_asks_for_all_flags_is_named(keys, kind, code):
    (reason,) = reasons(place(seen=None, ground=handed_out(**keys)))
    assert kind in reason.sentence
    assert code in reason.next_step


def test_asked_for_by_its_own_name_it_is_read_whoever_gets_all():
    assert names(place(seen=29, in_bulk=1, ground=handed_out())) == []
    assert names(place(seen=31, in_bulk=1, ground=handed_out())) == ["unknown"]
    assert names(place(seen=None, in_bulk=31, ground=handed_out(31))) == ["not_evaluated"]
    assert names(place(seen=None, ground=handed_out()), place("staging", seen=2)) == []


def test_handed_out_here_and_downloaded_there_tells_both():
    ground = Ground(ago(90), downloaded_at=ago(1))
    (reason,) = reasons(place(seen=None, ground=handed_out()), place("staging", seen=None, ground=ground))
    assert "all flags of staging are downloaded" in reason.sentence
    assert "all flags of production are handed out together" in reason.sentence
    assert "by themselves and in the code that asks in bulk" in reason.next_step


def test_when_a_flag_was_last_in_bulk_is_known_from_the_environment_once_it_is_set():
    assert place(seen=3, in_bulk=2, ground=handed_out(1)).bulk_at == ago(1)
    assert place(seen=3, in_bulk=2).bulk_at == ago(2)
    assert place(seen=3).bulk_at is None
    assert place(seen=None, was_set=1, ground=handed_out(2)).bulk_at is None


@pytest.mark.parametrize("ground", [Ground(), Ground(counted_since=ago(29))])
def test_counts_younger_than_the_window_are_unknown(ground):
    (reason,) = reasons(place(seen=None, ground=ground))
    assert reason.sentence.startswith("Whether it is still read cannot be known yet: evaluations in production")


def test_archived_flags_are_never_stale():
    assert names(place(seen=None, outcome="x"), created=400, archived=ago(1)) == []


def test_every_reason_says_what_to_do():
    found = reasons(place(seen=None, outcome="x"), created=100)
    assert [reason.name for reason in found] == ["past_life", "one_for_all", "not_evaluated"]
    assert all(reason.next_step.endswith(".") for reason in found)
