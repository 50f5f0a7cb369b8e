"""How many evaluations a second one API key may ask for (pure)."""

WAIT_S = 1
A_MOMENT_S = 1e-6  # sums of fractions are not exact


class Rate:
    """As many as `a_second` at once, then one after the other; 0: any number.

    A key that every page sends is known to everybody: it shall not keep a process from answering others.
    """

    def __init__(self, a_second: int) -> None:
        self._apart_s = 1 / a_second if a_second else 0.0
        self._due_s: dict[int, float] = {}

    def admits(self, key_id: int, now_s: float) -> bool:
        """Whether this one may be answered now; one that may not costs the key nothing."""
        if not self._apart_s:
            return True
        due_s = max(self._due_s.get(key_id, 0.0), now_s - WAIT_S)
        if due_s + self._apart_s > now_s + A_MOMENT_S:
            return False
        self._due_s[key_id] = due_s + self._apart_s
        return True
