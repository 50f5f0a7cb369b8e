"""Bulk answers that may be asked for again: an ETag names one for good, so it is never wrong, only forgotten."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.flags.bulk_answers import Always

MOST_BYTES = 16_000_000


@dataclass(frozen=True, eq=False)
class Kept:
    """A body and the flags' own answers that it is made of, which are counted each time it is sent.

    Each is equal to itself alone, so that counting one that is sent again takes a moment.
    """

    body: bytes
    changing: Sequence[str]
    always: Always

    @property
    def answers(self) -> Sequence[str]:
        return [*self.always.answers, *self.changing]


class KeptAnswers:
    """The latest answers of this process, within `most_bytes` of bodies."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes, self._most_bytes = 0, most_bytes

    def find(self, etag: str) -> Kept | None:
        with self._lock:
            found = self._kept.get(etag)
            if found is not None:
                self._kept.move_to_end(etag)
            return found

    def keep(self, etag: str, answer: Kept) -> None:
        with self._lock:
            if etag in self._kept:
                return
            self._kept[etag] = answer
            self._bytes += len(answer.body)
            while self._bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= len(oldest.body)
