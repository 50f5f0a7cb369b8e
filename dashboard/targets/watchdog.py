"""Our own time limit: shuts the socket of a statement that is over its budget.

The server's limits do nothing when its back end is frozen or packets vanish, and neither do keepalives. One thread
watches all statements of the process.
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Thread

IDLE_WAKE_S = 15.0


@dataclass(eq=False)
class Watch:
    """One socket in use; `fired` says that it was us who cut it."""

    socket: socket.socket
    deadline: float
    fired: bool = False


@dataclass(eq=False)
class Watchdog:
    """`sweep` is called now and then, for whoever wants idle connections closed."""

    sweep: Callable[[], None]
    watches: set[Watch] = field(default_factory=set)
    changed: Condition = field(default_factory=Condition)
    thread: Thread | None = None

    @contextmanager
    def limit(self, descriptor: int, seconds: float) -> Iterator[Watch]:
        """Cut the connection behind this file descriptor when the block takes longer."""
        # A duplicate: the number of a closed descriptor may belong to somebody else by the time we fire.
        watch = Watch(socket.socket(fileno=os.dup(descriptor)), time.monotonic() + seconds)
        with self.changed:
            self.watches.add(watch)
            self._start()
            self.changed.notify()
        try:
            yield watch
        finally:
            with self.changed:
                self.watches.discard(watch)
            watch.socket.close()

    def _start(self) -> None:
        if self.thread is None or not self.thread.is_alive():
            self.thread = Thread(target=self._run, name="target watchdog", daemon=True)
            self.thread.start()

    def _run(self) -> None:
        while True:
            with self.changed:
                nearest = min((watch.deadline for watch in self.watches if not watch.fired), default=None)
                now = time.monotonic()
                self.changed.wait(IDLE_WAKE_S if nearest is None else min(IDLE_WAKE_S, max(0.0, nearest - now)))
                self._cut(time.monotonic())
            self.sweep()

    def _cut(self, now: float) -> None:
        for watch in self.watches:
            if watch.deadline <= now and not watch.fired:
                watch.fired = True
                try:
                    watch.socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
