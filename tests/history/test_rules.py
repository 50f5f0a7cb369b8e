"""Graphs of revisions and what moved heads say, without a database."""

from datetime import UTC, datetime, timedelta

from dashboard.history.rules import (
    Move,
    Node,
    Standing,
    ahead_of_code,
    ancestors,
    build,
    declared_twice,
    outcome,
    standings,
)

Heads = tuple[str, ...]
T0 = datetime(2026, 11, 21, 12, tzinfo=UTC)
MERGED = [Node("a", ()), Node("b1", ("a",)), Node("b2", ("b1",)), Node("c1", ("a",)), Node("m", ("b2", "c1"))]


def move(
    minute: int, heads: tuple[str, ...], before: tuple[str, ...] | None = (), place: str = "public.alembic_version"
) -> Move:
    at = T0 + timedelta(minutes=minute)
    return Move(place, None if before is None else at - timedelta(minutes=1), at, before, heads)


def states(nodes: list[Node], *moves: Move) -> dict[str, str | None]:
    return {name: standing.state for name, standing in standings(build(nodes), moves).items()}


def test_parents_come_before_children_and_a_branch_stays_in_one_piece() -> None:
    assert build(list(reversed(MERGED))).order == ("a", "c1", "b1", "b2", "m")
    assert build(MERGED).order == ("a", "b1", "b2", "c1", "m")


def test_the_end_of_a_merge_is_the_only_head() -> None:
    graph = build(MERGED)
    assert graph.heads == {"m"}
    assert graph.findings == ()


def test_two_heads_are_said() -> None:
    graph = build(MERGED[:4])
    assert graph.heads == {"b2", "c1"}
    assert [found.subject for found in graph.findings] == ["heads"]


def test_a_missing_parent_is_a_finding_and_the_rest_stays_in_order() -> None:
    graph = build([Node("b", ("lost",)), Node("c", ("b",))])
    assert graph.order == ("b", "c")
    assert "follows lost" in graph.findings[0].sentence


def test_a_circle_is_a_finding_that_names_its_members_only() -> None:
    graph = build([Node("a", ()), Node("x", ("y",)), Node("y", ("x",)), Node("after", ("y",))])
    assert graph.order[0] == "a"
    assert graph.findings[0].sentence == "These revisions follow each other in a circle: x, y."


def test_a_revision_that_follows_itself_does_not_hang() -> None:
    assert build([Node("a", ("a",))]).findings[0].subject == "a"


def test_an_id_declared_twice_is_a_finding() -> None:
    nodes = [Node("a", ()), Node("a", ("b",)), Node("b", ("a",))]
    assert [found.subject for found in declared_twice(nodes)] == ["a"]
    assert build(nodes).order == ("a", "b")


def test_depends_on_may_name_a_branch_label() -> None:
    graph = build([Node("core1", (), labels=("core",)), Node("plugin1", (), depends_on=("core",))])
    assert ancestors(graph, ["plugin1"]) == {"core1", "plugin1"}


def test_odd_ids_are_ids_like_others() -> None:
    graph = build([Node("v2.4.0.a", ()), Node("v3.0.0.a", ("v2.4.0.a",), labels=("None",))])
    assert graph.heads == {"v3.0.0.a"}


def test_two_thousand_revisions_are_ordered_without_recursion() -> None:
    nodes = [Node(str(number), (str(number - 1),) if number else ()) for number in range(5_000)]
    assert build(nodes).order[-1] == "4999"
    assert len(ancestors(build(nodes), ["4999"])) == 5_000


def test_without_a_reading_everything_is_pending() -> None:
    assert set(states(MERGED).values()) == {"pending"}


def test_what_the_first_reading_found_was_applied_before_recording() -> None:
    found = standings(build(MERGED), [move(0, ("b1",), None)])
    assert found["a"] == Standing("applied", "before_recording", None, T0)
    assert found["b2"].state == found["c1"].state == "pending"


def test_an_apply_between_two_readings_carries_its_window() -> None:
    found = standings(build(MERGED), [move(0, ("b1",), None), move(5, ("m",), ("b1",))])
    assert found["b1"].evidence == "before_recording"
    assert found["m"] == Standing("applied", "elsewhere", T0 + timedelta(minutes=4), T0 + timedelta(minutes=5))


def test_a_downgrade_that_was_noticed_is_rolled_back_until_it_is_applied_again() -> None:
    up, down = move(1, ("b2",), ("b1",)), move(2, ("b1",), ("b2",))
    assert states(MERGED, move(0, ("b1",), None), up, down)["b2"] == "rolled_back"
    again = standings(build(MERGED), [move(0, ("b1",), None), up, down, move(3, ("b2",), ("b1",))])
    assert again["b2"].state == "applied"
    assert again["b2"].applied_before == T0 + timedelta(minutes=3)


def test_an_unknown_head_makes_the_rest_unknown_not_pending() -> None:
    found = states(MERGED, move(0, ("from_the_future",), None))
    assert found == {**dict.fromkeys(("a", "b1", "b2", "c1", "m")), "from_the_future": "applied"}


def test_an_unknown_head_keeps_what_was_applied() -> None:
    found = states(MERGED, move(0, ("b1",), None), move(1, ("future",), ("b1",)))
    assert (found["b1"], found["b2"], found["future"]) == ("applied", None, "applied")


def test_going_back_to_earlier_unknown_heads_is_a_rollback() -> None:
    found = states([], move(0, ("x",), None), move(1, ("y",), ("x",)), move(2, ("x",), ("y",)))
    assert found == {"x": "applied", "y": "rolled_back"}


def test_heads_outside_the_folder_are_ahead_of_the_code_or_another_history() -> None:
    moves = [move(0, ("b1",), None), move(1, ("future",), ("b1",)), move(1, ("z9",), None, "auth.alembic_version")]
    found = ahead_of_code(build(MERGED), moves)
    assert [(one.subject, one.tone) for one in found] == [
        ("auth.alembic_version", "info"),
        ("public.alembic_version", "warn"),
    ]


def test_an_outcome_names_one_migration_and_counts_several() -> None:
    graph, first = build(MERGED), [move(0, ("a",), None)]
    before = standings(graph, first)
    one = outcome(before, standings(graph, [*first, move(1, ("b1",), ("a",))]), {"b1": "add orders"})
    several = outcome(before, standings(graph, [*first, move(1, ("m",), ("a",))]), {})
    back = outcome(before, standings(graph, [*first, move(1, (), ("a",))]), {"a": "start"})
    assert one is not None
    assert (one.title, one.subject) == ("Migration b1 applied: add orders", "b1")
    assert several is not None
    assert several.title == "4 migrations applied, up to m"
    assert back is not None
    assert (back.title, back.rolled_back) == ("Migration a rolled back: start", ["a"])


def test_nothing_applied_is_no_outcome() -> None:
    found = standings(build(MERGED), [move(0, ("a",), None)])
    assert outcome(found, found, {}) is None
