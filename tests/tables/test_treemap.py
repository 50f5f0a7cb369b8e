"""The map of tables: areas are sizes, nothing overlaps, nothing is left out."""

import pytest

from dashboard.tables.treemap import HEAD, HEIGHT, WIDTH, Box, grouped, squarified

SIZES = [6, 6, 4, 3, 2, 2, 1]


def overlap(one: Box, other: Box) -> float:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0, across) * max(0, down)


def test_the_example_of_the_paper_has_the_boxes_of_the_paper() -> None:
    boxes = squarified(list(zip("abcdefg", map(float, SIZES), strict=True)), 0, 0, 6, 4)
    assert [(box.thing, round(box.width, 2), round(box.height, 2)) for box in boxes[:3]] == [
        ("a", 3, 2), ("b", 3, 2), ("c", 1.71, 2.33),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 17, 200])
def test_areas_are_proportional_and_fill_the_drawing_without_overlap(count) -> None:
    boxes = squarified([(number, float(1 + number * number % 97)) for number in range(count)], 0, 0, WIDTH, HEIGHT)
    total = sum(box.size for box in boxes)
    assert len(boxes) == count
    assert all(box.width * box.height == pytest.approx(box.size / total * WIDTH * HEIGHT) for box in boxes)
    assert sum(overlap(one, other) for one in boxes for other in boxes if one is not other) == pytest.approx(0, abs=1)


def test_boxes_are_squarer_than_a_plain_row() -> None:
    boxes = squarified([(number, 1.0) for number in range(48)], 0, 0, WIDTH, HEIGHT)
    assert max(max(box.width / box.height, box.height / box.width) for box in boxes) < 2


def test_what_has_no_size_has_no_box() -> None:
    assert squarified([("empty", 0.0)], 0, 0, 10, 10) == []
    assert grouped([], [("public", 0)]) == ()


def test_each_schema_frames_its_tables_and_the_rest_of_it() -> None:
    groups = grouped([("a", "t1", 60), ("a", "t2", 30), ("b", "t3", 10)], [("a", 0), ("b", 20), ("c", 5)])
    assert [(group.name, group.frame.size, [box.thing for box in group.boxes]) for group in groups] == [
        ("a", 90, ["t1", "t2"]), ("b", 30, [None, "t3"]), ("c", 5, [None]),
    ]  # fmt: skip
    for group in groups:
        for box in group.boxes:
            assert group.frame.x <= box.x
            assert group.frame.y + HEAD <= box.y + 0.001
            assert box.y + box.height <= group.frame.y + group.frame.height
