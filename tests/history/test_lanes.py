"""The drawing beside the list."""

from dashboard.history.lanes import MOST_LANES, draw, width


def test_a_line_of_revisions_stays_in_one_lane() -> None:
    drawn = draw([("c", ["b"]), ("b", ["a"]), ("a", [])])
    assert [row.lane for row in drawn.values()] == [0, 0, 0]
    assert (drawn["b"].above, drawn["b"].below) == ((0,), (0,))
    assert (drawn["a"].above, drawn["a"].below) == ((0,), ())


def test_a_merge_opens_a_lane_and_the_branch_point_closes_it() -> None:
    drawn = draw([("m", ["b", "c"]), ("b", ["a"]), ("c", ["a"]), ("a", [])])
    assert drawn["m"].below == (0, 1)
    assert (drawn["b"].lane, drawn["b"].passing) == (0, ((1, 1),))
    assert (drawn["c"].lane, drawn["c"].below, drawn["c"].passing) == (1, (0,), ((0, 0),))
    assert drawn["a"].above == (0,)
    assert width(list(drawn.values())) == 2


def test_the_trunk_stays_in_the_left_lane_when_the_right_branch_ends_first() -> None:
    drawn = draw([("m", ["b", "c"]), ("c", ["a"]), ("b", ["a"]), ("a", [])])
    assert (drawn["c"].lane, drawn["c"].below) == (1, (1,))
    assert (drawn["b"].lane, drawn["b"].below, drawn["b"].passing) == (0, (0,), ((1, 0),))
    assert (drawn["a"].lane, drawn["a"].above) == (0, (0,))


def test_a_second_head_gets_a_lane_of_its_own() -> None:
    drawn = draw([("x", ["a"]), ("y", ["a"]), ("a", [])])
    assert (drawn["x"].lane, drawn["y"].lane, drawn["y"].above) == (0, 1, ())
    assert drawn["y"].below == (0,)


def test_a_parent_in_no_file_leads_nowhere() -> None:
    assert draw([("b", ["lost"])])["b"].below == ()


def test_a_circle_is_drawn_once_around() -> None:
    drawn = draw([("b", ["a"]), ("a", ["b"]), ("other", [])])
    assert (drawn["b"].below, drawn["a"].below, drawn["other"].passing) == ((0,), (), ())


def test_many_branches_are_drawn_up_to_a_limit() -> None:
    drawn = draw([*((f"h{number}", ["a"]) for number in range(40)), ("a", [])])
    assert width(list(drawn.values())) <= MOST_LANES
