"""What a person copies of a remedy, and how long each statement may wait for its lock."""

import pytest

from dashboard.findings.rules import limited, stops_nobody, to_copy

DROP = "DROP INDEX CONCURRENTLY IF EXISTS public.i"
BUILD = "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)"


@pytest.mark.parametrize(
    ("statements", "copied"),
    [([DROP, BUILD], [BUILD]), ([DROP], [DROP]), ([BUILD, DROP], [BUILD, DROP]), ([], []),
     ([DROP, "CREATE INDEX i ON t (a)"], [DROP, "CREATE INDEX i ON t (a)"])],
)  # fmt: skip
def test_what_clears_the_way_for_a_second_try_is_not_copied(statements: list[str], copied: list[str]) -> None:
    told = to_copy(statements, in_transaction=False)
    assert [one for one in told if "lock_timeout" not in one] == copied


def test_what_stops_others_waits_shortly_for_its_lock_and_what_does_not_waits_long() -> None:
    only, attach = "CREATE INDEX w ON ONLY t (a)", "ALTER INDEX w ATTACH PARTITION i"
    long, short = "SET lock_timeout = '60s'", "SET lock_timeout = '5s'"
    assert limited([only, DROP, BUILD, attach], in_transaction=False) == [
        short, only, long, DROP, BUILD, short, attach, "RESET lock_timeout"
    ]  # fmt: skip
    assert (stops_nobody([DROP, BUILD]), stops_nobody([BUILD, attach])) == (True, False)


def test_what_runs_in_a_transaction_is_copied_as_one() -> None:
    short = "SET LOCAL lock_timeout = '5s'"
    assert to_copy(["DROP INDEX i"], in_transaction=True) == ["BEGIN", short, "DROP INDEX i", "COMMIT"]
    assert to_copy([], in_transaction=True) == []
