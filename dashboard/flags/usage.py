"""Evaluations counted in this process's memory and added to the store every few seconds, never one write for each.

An answer is counted by its own text, which says flag, variant and reason; texts are read when they are flushed.
What a killed process had not flushed is lost: a few seconds. A store that is away is waited for, within bounds.
"""

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from operator import itemgetter

from flask import Flask
from flask.sansio.app import App
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from dashboard.flags import recent, usage_sql
from dashboard.flags.rules import KEY
from dashboard.flags.usage_counts import Answered, Asker, Counts, Row, columns_of, rows_of
from dashboard.store import db

log = logging.getLogger(__name__)
EXTENSION = "pilothouse_usage"
FLUSH_S = 3.0
ROWS_PER_S = 500
MOST_ANSWERS = 50_000
MOST_AGAIN = 500
MOST_WAITING = 10_000
MOST_UNKNOWN = 1_000


class Usage:
    def __init__(self, app: App) -> None:
        self._app = app
        self._counts = Counts()
        self._forget_thread()

    def _forget_thread(self) -> None:
        self._pid = os.getpid()
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None

    def single(self, asker: Asker, answer: str) -> None:
        with self._lock:
            counter = self._counts.single.get(asker)
            if counter is None:
                counter = self._counts.single[asker] = Counter()
            if answer in counter or len(counter) < MOST_ANSWERS:
                counter[answer] += 1
            else:
                self._counts.lost += 1

    def bulk(self, asker: Asker, answers: Sequence[str], always: Answered) -> None:
        """Each flag of an answer that was sent, and those that everybody gets."""
        with self._lock:
            counts = self._counts
            counts.waiting.append((asker, answers))
            counts.waiting_answers += len(answers)
            if counts.waiting_answers > MOST_WAITING:
                self._add_waiting(counts)
            self._add_again(asker, always)

    def unchanged(self, asker: Asker) -> None:
        """All flags were asked for and are what the client has (304), and goes on using."""
        with self._lock:
            self._counts.unchanged.add(asker)

    def again(self, asker: Asker, answered: Answered) -> None:
        """An answer that was given before: its flags are counted when there is time."""
        with self._lock:
            self._add_again(asker, answered)

    def _add_again(self, asker: Asker, answered: Answered) -> None:
        kinds, kind = self._counts.again, (asker, answered)
        if kind in kinds:
            kinds[kind] += 1
        elif len(kinds) < MOST_AGAIN:
            kinds[kind] = 1
        else:
            self._add(self._counts, asker, answered.answers)

    def _add_waiting(self, counts: Counts) -> None:
        """Many at once take half the time of as many one by one."""
        for asker, group in groupby(counts.waiting, itemgetter(0)):
            self._add(counts, asker, chain.from_iterable(answers for _, answers in group))
        counts.waiting, counts.waiting_answers = [], 0

    @staticmethod
    def _add(counts: Counts, asker: Asker, answers: Iterable[str]) -> None:
        counter = counts.bulk.setdefault(asker, Counter())
        if len(counter) < MOST_ANSWERS:
            counter.update(answers)
        else:
            counts.lost += 1

    def unknown(self, asker: Asker, key: str) -> None:
        """What can be no flag's key is a mistake of another kind and not kept; so nothing hostile is."""
        if not KEY.match(key):
            return
        with self._lock:
            if (*asker, key) in self._counts.unknown or len(self._counts.unknown) < MOST_UNKNOWN:
                self._counts.unknown[(*asker, key)] += 1

    def downloaded(self, asker: Asker) -> None:
        with self._lock:
            self._counts.downloads.add(asker)

    def start(self) -> None:
        """Once per process; a fork inherits neither the thread nor what others have counted."""
        if self._pid != os.getpid():
            self._counts = Counts()
            self._forget_thread()
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name="usage", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """A clean end loses nothing while the store answers."""
        self._stop.set()
        if self._thread is not None and self._pid == os.getpid():
            self._thread.join(FLUSH_S)
            self._thread = None
            self.flush()

    def _run(self) -> None:
        pause_s = FLUSH_S
        while not self._stop.wait(pause_s):
            pause_s = max(FLUSH_S, self.flush() / ROWS_PER_S)
            recent.of(self._app).exchange()

    def flush(self) -> int:
        """Add what was counted to the store; how many rows that were. What the store did not take is kept."""
        with self._lock:
            taken, self._counts = self._counts, Counts()
        self._add_waiting(taken)
        for (asker, answered), times in taken.again.items():
            self._add(taken, asker, Counter(dict.fromkeys(answered.answers, times)))
        taken.again.clear()
        if taken.is_empty():
            return 0
        rows = rows_of(taken)
        try:
            self._write(rows, taken)
        except (DBAPIError, PoolExhausted) as error:
            log.warning("evaluations wait to be counted: %s", type(error).__name__)
            with self._lock:
                self._counts.take_back(taken)
        if taken.lost:
            log.warning("%d answers were not counted: too many kinds at once", taken.lost)
        return len(rows)

    def _write(self, rows: Sequence[Row], taken: Counts) -> None:
        assert isinstance(self._app, Flask)  # noqa: S101 - the app that this was made for
        with self._app.app_context(), db.engine.begin() as connection:
            connection.execute(text("set local statement_timeout = 5000"))
            connection.execute(text("set local synchronous_commit = off"))
            if rows:
                columns = {name: [getattr(row, name) for row in rows] for name in Row.__slots__}
                connection.execute(text(usage_sql.USAGE), columns)
                connection.execute(text(usage_sql.SEEN), columns)
            if taken.unknown:
                asked = sorted(taken.unknown.items())
                names = ("environment_id", "api_key_id", "flag_key")
                given = {name: [key[at] for key, _ in asked] for at, name in enumerate(names)}
                connection.execute(text(usage_sql.UNKNOWN), given | {"count": [count for _, count in asked]})
                connection.execute(text(usage_sql.FORGET_UNKNOWN), {"most": MOST_UNKNOWN})
            asked_all = {usage_sql.BULK: taken.in_bulk(), usage_sql.DOWNLOADS: sorted(taken.downloads)}
            for statement, askers in asked_all.items():
                if askers:
                    connection.execute(text(statement), columns_of(askers))


def init_app(app: App) -> None:
    app.extensions[EXTENSION] = Usage(app)


def of(app: App) -> Usage:
    found: Usage = app.extensions[EXTENSION]
    return found


def start(app: App) -> None:
    """With a web process, which is where evaluations are counted."""
    of(app).start()
