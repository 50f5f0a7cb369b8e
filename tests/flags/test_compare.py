"""What differs, and how two changes of one definition go together."""

from dashboard.flags import compare
from dashboard.flags.rules import Definition, document_of

BASE = document_of(Definition(True, {"a": 1, "b": 2}, "a", {"if": [True, "a"]}, {"team": "x"}))


def test_a_difference_names_the_field_and_both_sides():
    after = document_of(Definition(False, {"a": 1, "b": 3}, "b", None, {"team": "x"}))
    told = [(item.field, item.before, item.after) for item in compare.differences(BASE, after)]
    assert told[:3] == [("state", "on", "off"), ("variant b", "2", "3"), ("defaultVariant", "a", "b")]
    assert told[3][0] == "targeting"
    assert told[3][2] is None


def test_one_and_one_point_nought_differ():
    assert compare.differences({"variants": {"a": 1}}, {"variants": {"a": 1.0}})[0].after == "1.0"


def test_yours_on_top_keeps_what_only_they_changed():
    theirs = document_of(Definition(False, {"a": 1, "b": 2, "c": 9}, "a", {"if": [True, "a"]}, {"team": "x"}))
    yours = document_of(Definition(True, {"a": 5, "b": 2}, "a", None, {"team": "x"}))
    assert compare.merged(BASE, theirs, yours) == {
        "state": "DISABLED", "variants": {"a": 5, "b": 2, "c": 9}, "defaultVariant": "a", "metadata": {"team": "x"},
    }  # fmt: skip


def test_only_a_field_that_both_changed_differently_is_contested():
    theirs, yours = BASE | {"state": "DISABLED", "defaultVariant": "b"}, BASE | {"defaultVariant": None}
    contested = {item.field: item.is_contested for item in compare.three_way(BASE, theirs, yours)}
    assert contested == {"state": False, "defaultVariant": True}


def test_a_value_cannot_hide_behind_a_turned_order():
    old, new = {"variants": {"a": "safe"}}, {"variants": {"a": "\u202esafe"}}
    (difference,) = compare.differences(old, new)
    assert difference.after == '"\\u202esafe"'
    (contested,) = compare.three_way(old, old, new)
    assert contested.yours == '"\\u202esafe"'
