"""Who waits for whom, and which sessions stand out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard.activity.rules import (
    SORTS,
    Session,
    idle_transactions,
    long_transactions,
    matching,
    ordered,
    session_of,
)
from dashboard.activity.tree import blocking_tree

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EMPTY = dict.fromkeys(Session.__dataclass_fields__) | {
    "read_at": NOW,
    "is_hidden": False,
    "blocked_by": (),
    "workers": 0,
}


def session(pid: int, *blocked_by: int, **fields: Any) -> Session:
    return Session(**EMPTY | {"pid": pid, "blocked_by": blocked_by} | fields)


def drawn(*sessions: Session) -> list[str]:
    """The tree as `>>pid`, with * told above and o where a circle was cut."""
    return [
        ">" * line.depth + str(line.pid) + "*" * line.is_repeated + "o" * line.is_circular
        for line in blocking_tree(sessions)
    ]


def test_nobody_waits_nothing_is_drawn() -> None:
    assert drawn(session(1), session(2)) == []


def test_waiters_stand_below_the_session_that_holds_them_up() -> None:
    assert drawn(session(1), session(2, 1), session(3, 1)) == ["1", ">2", ">3"]


def test_a_queue_is_a_chain_and_tells_everybody_once() -> None:
    assert drawn(session(1), session(2, 1), session(3, 1, 2), session(4, 1, 2, 3)) == ["1", ">2", ">>3", ">>>4"]


def test_what_holds_up_most_is_on_top() -> None:
    assert drawn(session(1), session(2, 1), session(5), session(6, 5), session(7, 6)) == ["5", ">6", ">>7", "1", ">2"]


def test_a_session_that_waits_for_two_appears_below_both() -> None:
    assert drawn(session(1), session(2), session(3, 1, 2), session(4, 3)) == ["1", ">3", ">>4", "2", ">3*"]


def test_a_circle_is_cut_at_its_smallest_process() -> None:
    assert drawn(session(1, 2), session(2, 1)) == ["1o", ">2", ">>1*"]


def test_who_waits_for_a_circle_is_not_lost() -> None:
    assert drawn(session(1, 2), session(2, 1), session(3, 1, 2)) == ["1o", ">2", ">>1*", ">>3", ">3*"]


def test_a_session_that_waits_for_itself_ends() -> None:
    assert drawn(session(1, 1)) == ["1o", ">1*"]


def test_prepared_transactions_and_strangers_are_named_by_their_number() -> None:
    lines = blocking_tree([session(2, 0), session(3, 99)])
    assert [(line.pid, line.session is None, line.depth) for line in lines if not line.depth] == [
        (0, True, 0),
        (99, True, 0),
    ]


def test_a_thousand_in_a_queue_are_drawn() -> None:
    queue = [session(pid, *range(max(1, pid - 20), pid)) for pid in range(1, 1001)]
    assert [line.depth for line in blocking_tree(queue)] == list(range(1000))


def test_long_transactions_are_a_minute_old_the_oldest_first() -> None:
    ages = {1: 59, 2: 60, 3: 600}
    sessions = [session(pid, transaction_at=NOW - timedelta(seconds=age)) for pid, age in ages.items()]
    assert [one.pid for one in long_transactions([*sessions, session(4)])] == [3, 2]


def test_idle_in_transaction_counts_from_its_last_statement() -> None:
    idle = {"state": "idle in transaction", "transaction_at": NOW - timedelta(hours=1)}
    quick, slow = NOW - timedelta(seconds=9), NOW - timedelta(seconds=10)
    found = idle_transactions([session(1, changed_at=quick, **idle), session(2, changed_at=slow, **idle)])
    assert [one.pid for one in found] == [2]


@pytest.mark.parametrize("descending", [True, False])
def test_unknown_values_are_last_in_both_directions(descending: bool) -> None:
    sessions = [session(1), session(2, username="b"), session(3, username="a")]
    found = [one.pid for one in ordered(sessions, "username", descending=descending)]
    assert found == ([2, 3, 1] if descending else [3, 2, 1])


@pytest.mark.parametrize("field", SORTS)
def test_every_sort_is_a_field_of_the_rows(field: str) -> None:
    assert field in session(1).json()
    assert len(ordered([session(1), session(2, query="x", state="idle")], field, descending=True)) == 2


def test_search_looks_at_everything_but_hidden_statements() -> None:
    sessions = [
        session(1, query="SELECT Orders"),
        session(2, application="orders-web"),
        session(3, query="orders", is_hidden=True),
        session(4),
    ]
    assert [one.pid for one in matching(sessions, "orders")] == [1, 2]


def test_a_clock_that_differs_is_corrected_to_ours() -> None:
    theirs = NOW - timedelta(minutes=5)
    row = EMPTY | {"pid": 1, "read_at": theirs, "query_at": theirs - timedelta(seconds=3), "blocked_by": [2, 2]}
    found = session_of(row, NOW)
    assert (found.read_at, found.query_at, found.blocked_by) == (NOW, NOW - timedelta(seconds=3), (2,))


def test_a_password_in_a_running_statement_reaches_nobody() -> None:
    text = "alter role app password 'hunter2' valid until '2030-01-01'"
    found = session_of(EMPTY | {"pid": 1, "blocked_by": [], "query": text}, NOW)
    masked = "alter role app password '***' valid until '2030-01-01'"
    assert (found.line, found.json()["query"]) == (masked, masked)


def test_an_idle_session_waits_for_nothing() -> None:
    client = {"wait_event_type": "Client", "wait_event": "ClientRead"}
    assert session(1, state="idle", **client).wait is None
    assert session(1, state="active", wait_event_type="Lock", wait_event="relation").wait == "Lock: relation"
