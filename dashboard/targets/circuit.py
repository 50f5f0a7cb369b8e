"""When to try a target again: closed, open for a while that doubles, half-open for one attempt (pure)."""

from dataclasses import dataclass

LONGEST_S = 60.0
LASTING_S = 300.0
ATTEMPT_S = 5.0


def delay_s(failures: int, *, lasting: bool, jitter: float) -> float:
    """1, 2, 4 … 60 s after the first, second, third … failure, times 1 ± 25 % for a jitter from 0 to 1.

    A failure that does not heal by itself (wrong password, TLS) waits five minutes: no storm of sign-ins.
    """
    if lasting:
        return LASTING_S
    return float(min(LONGEST_S, 2.0 ** max(0, failures - 1)) * (0.75 + jitter / 2))


@dataclass
class Circuit:
    """Times are seconds of a monotonic clock; `sentence` is why it is open."""

    failures: int = 0
    open_until: float = 0.0
    sentence: str | None = None
    lasting: bool = False

    def admits(self, now: float) -> bool:
        """Whether to try now. After the wait one caller may; the others keep being refused while it tries."""
        if self.sentence is None:
            return True
        if now < self.open_until:
            return False
        self.open_until = now + ATTEMPT_S
        return True

    def failed(self, now: float, sentence: str, *, lasting: bool, jitter: float) -> None:
        self.failures += 1
        self.sentence, self.lasting = sentence, lasting
        self.open_until = now + delay_s(self.failures, lasting=lasting, jitter=jitter)

    def succeeded(self) -> None:
        self.failures, self.open_until, self.sentence, self.lasting = 0, 0.0, None, False
