"""Which sessions an operator may stop, and why not the others."""

import pytest

from dashboard.activity import protection
from dashboard.activity.protection import confirmation_problems, held_up, is_against_wraparound
from tests.activity.test_rules import session

USUAL = {"born": 1, "is_superuser": False, "backend_type": "client backend", "state": "active"}


@pytest.mark.parametrize(
    ("fields", "version", "cancel", "terminate"),
    [
        ({}, 180_000, None, None),
        ({"state": "fastpath function call"}, 140_000, None, None),
        ({"state": "idle"}, 180_000, protection.NOTHING_RUNS, None),
        ({"state": "idle in transaction"}, 180_000, protection.NOTHING_RUNS, None),
        ({"is_superuser": True}, 180_000, protection.SUPERUSER, protection.SUPERUSER),
        ({"application": "pilothouse"}, 180_000, protection.OURS, protection.OURS),
        ({"is_hidden": True}, 180_000, protection.HIDDEN, protection.HIDDEN),
        ({"born": None}, 180_000, protection.HIDDEN, protection.HIDDEN),
        ({"backend_type": "walsender"}, 180_000, protection.WALSENDER, protection.WALSENDER),
        ({"backend_type": "autovacuum worker"}, 180_000, None, None),
        ({"backend_type": "autovacuum worker"}, 170_006, protection.OLD_AUTOVACUUM, protection.OLD_AUTOVACUUM),
        ({"backend_type": "logical replication worker"}, 180_000, protection.BACKGROUND, protection.BACKGROUND),
        ({"backend_type": "pg_cron"}, 180_000, protection.BACKGROUND, protection.BACKGROUND),
    ],
)
def test_who_may_be_stopped(fields: dict, version: int, cancel: str | None, terminate: str | None) -> None:
    one = session(7, **USUAL | fields)
    assert protection.protection(one, "cancel", version) == cancel
    assert protection.protection(one, "terminate", version) == terminate


def test_a_parallel_worker_points_to_its_leader() -> None:
    one = session(8, **USUAL | {"backend_type": "parallel worker", "leader_pid": 7})
    assert protection.protection(one, "cancel", 180_000) == "It helps process 7 with a query: stop that one."


def test_everybody_behind_a_session_is_held_up_by_it() -> None:
    sessions = [session(1), session(2, 1), session(3, 2), session(4), session(5, 4)]
    assert [one.pid for one in held_up(sessions[0], sessions)] == [2, 3]
    circle = [session(1, 2), session(2, 1)]
    assert [one.pid for one in held_up(circle[0], circle)] == [2]


def test_an_autovacuum_against_wraparound_is_told_from_others() -> None:
    name = {"backend_type": "autovacuum worker"}
    assert is_against_wraparound(session(1, **name, query="autovacuum: VACUUM t (to prevent wraparound)"))
    assert not is_against_wraparound(session(1, **name, query="autovacuum: VACUUM t"))
    assert not is_against_wraparound(session(1, query="-- to prevent wraparound"))


@pytest.mark.parametrize(
    ("typed", "is_production", "fields"),
    [
        ({}, False, set()),
        ({"reason": "x" * 1001}, False, {"reason"}),
        ({"reason": "a\nb"}, False, {"reason"}),
        ({"reason": " ", "typed_pid": "7"}, True, {"reason"}),
        ({"reason": "why", "typed_pid": "8"}, True, {"typed_pid"}),
        ({"reason": "why", "typed_pid": " 7 "}, True, set()),
    ],
)
def test_what_a_confirmation_needs(typed: dict, is_production: bool, fields: set) -> None:
    assert set(confirmation_problems(session(7), typed, is_production=is_production)) == fields


@pytest.mark.parametrize(("text", "value"), [("12", 12), ("", None), ("x", None), ("-1", None), ("٣", None)])
def test_a_number_of_a_form_is_digits(text: str, value: int | None) -> None:
    assert protection.number(text) == value
