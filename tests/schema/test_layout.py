"""Properties of every drawing: nothing overlaps, arrows are orthogonal, touch their ends and cross no box."""

import random
from itertools import combinations, pairwise

import pytest

from dashboard.schema.layout import Arrow, Box, Drawing, draw

Corners = tuple[float, float, float, float]


def made(seed: int) -> tuple[list[Box], list[Arrow]]:
    chosen = random.Random(seed)  # noqa: S311
    count = chosen.randint(1, 60)
    boxes = [Box(key, chosen.randint(80, 300), chosen.randint(30, 300)) for key in range(count)]
    ends = [(chosen.randrange(count), chosen.randrange(count)) for _ in range(chosen.randint(0, 2 * count))]
    return boxes, [Arrow(source, target, 15, 20) for source, target in ends]


def rectangles(boxes: list[Box], drawing: Drawing) -> dict[object, Corners]:
    return {box.key: (x, y, x + box.width, y + box.height) for box in boxes for x, y in [drawing.places[box.key]]}


def crosses(rectangle: Corners, one: tuple[float, float], other: tuple[float, float]) -> bool:
    left, top, right, bottom = rectangle
    (x1, x2), (y1, y2) = sorted((one[0], other[0])), sorted((one[1], other[1]))
    return x2 > left + 0.01 and x1 < right - 0.01 and y2 > top + 0.01 and y1 < bottom - 0.01


@pytest.mark.parametrize("seed", range(60))
def test_boxes_lie_apart_and_inside_of_the_picture(seed: int) -> None:
    boxes, arrows = made(seed)
    drawing = draw(boxes, arrows)
    places = rectangles(boxes, drawing)
    for left, top, right, bottom in places.values():
        assert 0 <= left < right <= drawing.width
        assert 0 <= top < bottom <= drawing.height
    for one, other in combinations(places.values(), 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@pytest.mark.parametrize("seed", range(60))
def test_arrows_are_orthogonal_and_cross_no_box(seed: int) -> None:
    boxes, arrows = made(seed)
    drawing = draw(boxes, arrows)
    places = rectangles(boxes, drawing)
    for route in drawing.routes:
        for one, other in pairwise(route):
            assert one[0] == other[0] or one[1] == other[1]
            assert not [key for key, rectangle in places.items() if crosses(rectangle, one, other)]


@pytest.mark.parametrize("seed", range(60))
def test_each_arrow_leads_from_its_source_to_its_target(seed: int) -> None:
    boxes, arrows = made(seed)
    drawing = draw(boxes, arrows)
    places = rectangles(boxes, drawing)
    assert len(drawing.routes) == len(arrows)
    for arrow, route in zip(arrows, drawing.routes, strict=True):
        for point, key, height in ((route[0], arrow.source, 15), (route[-1], arrow.target, 20)):
            left, top, right, _ = places[key]
            assert min(abs(point[0] - left), abs(point[0] - right)) < 0.01
            assert abs(point[1] - top - height) < 0.01


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw([], []).places == {}


def test_the_same_tables_always_make_the_same_picture() -> None:
    assert draw(*made(7)) == draw(*made(7))


def test_what_refers_stands_left_of_what_it_refers_to() -> None:
    boxes = [Box(key, 100, 40) for key in ("lines", "orders", "customers")]
    drawing = draw(boxes, [Arrow("lines", "orders", 10, 10), Arrow("orders", "customers", 10, 10)])
    assert drawing.places["lines"] < drawing.places["orders"] < drawing.places["customers"]


def test_a_hundred_tables_around_a_hub_stand_in_columns_not_in_one_tower() -> None:
    boxes = [Box(key, 120, 40) for key in range(60)]
    drawing = draw(boxes, [Arrow(key, 0, 10, 10) for key in range(1, 60)])
    assert drawing.height < 1200
