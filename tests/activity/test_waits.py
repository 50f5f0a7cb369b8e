"""Looks add up to a minute that stays small, and looking slows down where it costs."""

from typing import Any

import pytest

from dashboard.activity.waits import OTHER, Group, Minute, Pace, bounded, paced, share_of_a_core


def kind(seen: int = 1, wait: tuple[str, str] | None = None, query_id: int | None = 7, **named: str) -> dict[str, Any]:
    wait_class, wait_event = wait or (None, None)
    names = {"application": "web", "username": "shop"} | named
    return {"wait_event_type": wait_class, "wait_event": wait_event, "query_id": query_id, "seen": seen} | names


def look(*kinds: dict[str, Any], blockers: Any = (), active: int | None = None, look_ms: float = 1.0) -> dict[str, Any]:
    return {
        "active": sum(one["seen"] for one in kinds) if active is None else active,
        "hidden": 0, "kinds": kinds, "blockers": blockers, "look_ms": look_ms,
    }  # fmt: skip


def minute(*looks: dict[str, Any]) -> Minute:
    found = Minute()
    for one in looks:
        found.add(one)
    return found


def test_a_session_counts_once_for_every_look_that_met_it() -> None:
    found = minute(look(kind(2)), look(kind(), kind(wait=("Lock", "relation"))), look())
    assert (found.looks, found.active, found.most_active) == (3, 4, 2)
    assert found.groups() == [
        (Group("CPU", None, 7, "web", "shop"), 3),
        (Group("Lock", "relation", 7, "web", "shop"), 1),
    ]


@pytest.mark.parametrize("query_id", [None, 0])
def test_a_statement_without_a_number_is_not_known(query_id: int | None) -> None:
    assert minute(look(kind(query_id=query_id))).groups()[0][0].queryid is None


def test_what_the_server_left_out_is_counted_as_other() -> None:
    assert minute(look(kind(3), active=10)).groups()[0] == (Group(OTHER, None, None, OTHER, OTHER), 7)


def test_many_kinds_fold_into_one_a_wait_class_and_the_classes_stay_exact() -> None:
    waits = [None, ("IO", "DataFileRead")]
    found = minute(look(*(kind(1, waits[n % 2], application=f"a{n}") for n in range(200))))
    kept = bounded(found.seen, most=10)
    assert len(kept) == 12
    totals = {name: sum(seen for group, seen in kept if group.wait_class == name) for name in ("CPU", "IO")}
    assert totals == {"CPU": 100, "IO": 100}
    assert {group.application for group, _ in kept[10:]} == {OTHER}


def test_folding_again_changes_nothing() -> None:
    once = dict(bounded({Group("CPU", None, n, "web", "shop"): 1 for n in range(90)}, most=5))
    assert dict(bounded(once, most=6)) == once


def test_who_holds_others_up_is_remembered_with_the_most_it_held_up() -> None:
    holder = {"pid": 5, "application": "migrate", "username": "root", "state": "idle in transaction", "query_id": None}
    found = minute(*(look(blockers=[holder | {"held_up": number}]) for number in (1, 4, 2)))
    assert found.worst_blockers() == [holder | {"held_up": 4, "looks": 3}]


def test_one_slow_look_does_not_make_a_minute_dear() -> None:
    assert minute(*(look(look_ms=cost) for cost in (1, 2, 900))).look_ms == 2


@pytest.mark.parametrize(
    ("pace", "look_ms", "then"),
    [
        ((2, 2), 1.0, 2),
        ((2, 2), 10.0, 2),
        ((2, 2), 10.1, 4),
        ((4, 2), 20.1, 8),
        ((8, 2), 40.1, 10),
        ((4, 2), 5.0, 2),
        ((4, 2), 5.1, 4),
        ((10, 2), 10.0, 5),
        ((10, 10), 0.1, 10),
        ((5, 5), 51.0, 10),
        ((10, 5), 20.0, 10),
    ],
)
def test_the_pace_follows_the_cost(pace: tuple[int, int], look_ms: float, then: int) -> None:
    assert paced(Pace(*pace), look_ms) == Pace(then, pace[1])


def test_too_dear_at_the_slowest_pace_means_off_with_the_reason() -> None:
    stopped = paced(Pace(10, 2), 60.0)
    assert stopped.stopped_reason == "A look takes the server 60 ms, 0.6% of a core even every 10 s."


def test_the_share_of_a_core_is_time_by_time() -> None:
    assert share_of_a_core(10, 2) == 0.005
