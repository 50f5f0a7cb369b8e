"""A target answers the next question while the store writes down what it said to the last one."""

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Given = TypeVar("Given")
Answer = TypeVar("Answer")
Ask = Callable[..., Future[Any]]
SWITCH_S = 0.0005  # of Python's own 5 ms, whoever has heard from the target lost 1 to 2 at each of hundreds of answers


@contextmanager
def aside() -> Iterator[Ask]:
    """`ask(question, *given)` runs questions in a thread, one after the other, in the order in which they were put.

    Whoever asks in here asks the reader in no other way: a connection answers one question at a time. Leaving waits
    for the question under way, also after a failure, so that nobody else is given a connection that still answers.
    Threads of a process that has been here take turns at the interpreter more often from then on.
    """
    sys.setswitchinterval(SWITCH_S)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        try:
            yield thread.submit
        finally:
            thread.shutdown(cancel_futures=True)


def ahead(
    ask: Ask, question: Callable[[Given], Answer], batches: Iterable[Given]
) -> Iterator[tuple[Given, Answer]]:  # fmt: skip
    """Each batch with its answer; the next one is asked about while the caller works on it."""
    last: tuple[Given, Future[Answer]] | None = None
    for batch in batches:
        coming = batch, ask(question, batch)
        if last:
            yield last[0], last[1].result()
        last = coming
    if last:
        yield last[0], last[1].result()
