"""How often a process does something that a visitor asks for."""

import time
from collections import deque
from threading import Lock


class PerMinute:
    """At most `most` in any minute, for everybody together: it protects others' servers, not us."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.lock = Lock()
        self.times: deque[float] = deque()

    def wait_s(self) -> int:
        """0: counted, go ahead; else the seconds to wait."""
        now = time.monotonic()
        with self.lock:
            while self.times and now - self.times[0] >= 60:
                self.times.popleft()
            if len(self.times) >= self.most:
                return max(1, round(60 - (now - self.times[0])))
            self.times.append(now)
            return 0
