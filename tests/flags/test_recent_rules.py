"""Which contexts are noticed: few, small, each once, without secrets, and none where none are kept."""

import json

import pytest

from dashboard.flags.recent_rules import LOOKS, Notebook, noticed_of, without_secrets

SENT = {"targetingKey": "u", "plan": "pro"}


def test_nothing_is_noticed_where_none_are_kept():
    book = Notebook()
    book.note(1, SENT, 30)
    assert book.taken([2]) == []
    for place in (1, 2, None):
        book.note(place, SENT, 30)
    assert [one.environment_id for one in book.taken([2])] == [2]


def test_each_is_noticed_once_whatever_the_order_of_its_attributes():
    book = Notebook()
    book.taken([1])
    for sent in (SENT, dict(reversed(SENT.items())), SENT | {"plan": "free"}, {}):
        book.note(1, sent, 30)
    assert len(book.taken([1])) == 2
    assert book.taken([1]) == []


def test_the_first_few_are_looked_at_until_the_next_exchange():
    book = Notebook()
    book.taken([1])
    for _ in range(2):
        for number in range(5 * LOOKS):
            book.note(1, SENT | {"number": number}, 40)
        assert len(book.taken([1])) == LOOKS


def test_what_was_noticed_before_keeping_ended_is_dropped():
    book = Notebook()
    book.taken([1])
    book.note(1, SENT, 30)
    assert book.taken([]) == []
    book.note(1, SENT, 30)
    assert book.taken([1]) == []


@pytest.mark.parametrize(
    ("sent", "size"),
    [
        (SENT, 2_001),
        ({"a": "x" * 2_000}, 100),
        ({"a": "ü" * 1_500}, 100),
        ({"a": float("inf")}, 100),
        ({"a": "\ud800"}, 100),
        (json.loads('{"a":' * 60 + "1" + "}" * 60), 400),
    ],
)
def test_what_is_large_deep_or_no_json_is_not_noticed(sent, size):
    book = Notebook()
    book.taken([1])
    book.note(1, sent, size)
    assert book.taken([1]) == []


def test_it_is_written_exactly_and_without_secrets():
    sent = {"b": 1.0, "a": [-0.0, {"apiKey": "s3cret"}], "session_token": {"x": "s3cret"}, "targetingKey": "Zoë"}
    noticed = noticed_of(7, sent)
    assert (
        noticed.context == '{"b": 1.0, "a": [-0.0, {"apiKey": "***"}], "session_token": "***", "targetingKey": "Zoë"}'
    )
    assert without_secrets({"Authorization": "x", "X-API-Key": 1, "plan": "pro"}) == {
        "Authorization": "***", "X-API-Key": "***", "plan": "pro",
    }  # fmt: skip
