"""The next question is asked while the last answer is worked on: in order, never two at a time, none left behind."""

import threading
import time

import pytest

from dashboard.targets.ahead import ahead, aside


def test_each_batch_comes_with_its_answer_in_order() -> None:
    with aside() as ask:
        assert list(ahead(ask, lambda batch: batch * 2, [1, 2, 3])) == [(1, 2), (2, 4), (3, 6)]
        assert list(ahead(ask, lambda batch: batch, [])) == []


def test_the_next_one_is_asked_while_the_caller_works_and_no_further() -> None:
    asked: list[int] = []
    second = threading.Event()

    def question(batch: int) -> int:
        asked.append(batch)
        if batch == 2:
            second.set()
        return batch

    with aside() as ask:
        answers = ahead(ask, question, [1, 2, 3])
        assert next(answers) == (1, 1)
        assert second.wait(5)
        assert asked == [1, 2]
        assert [batch for batch, _ in answers] == [2, 3]


def test_a_refusal_is_raised_where_its_answer_is_awaited() -> None:
    def refuse(batch: int) -> int:
        if batch == 2:
            raise LookupError(batch)
        return batch

    with aside() as ask:
        answers = ahead(ask, refuse, [1, 2, 3])
        assert next(answers) == (1, 1)
        with pytest.raises(LookupError):
            next(answers)


def test_leaving_waits_for_the_question_under_way_and_drops_those_behind_it() -> None:
    began, ended = threading.Event(), list[str]()

    def slow(name: str) -> None:
        began.set()
        time.sleep(0.05)
        ended.append(name)

    def fail() -> None:
        with aside() as ask:
            ask(slow, "first")
            ask(slow, "second")
            assert began.wait(5)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert ended == ["first"]
