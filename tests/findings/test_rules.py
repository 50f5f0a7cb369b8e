"""What a person copies of a remedy."""

import pytest

from dashboard.findings.rules import to_copy

DROP = "DROP INDEX CONCURRENTLY IF EXISTS public.i"
BUILD = "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)"


@pytest.mark.parametrize(
    ("statements", "copied"),
    [([DROP, BUILD], [BUILD]), ([DROP], [DROP]), ([BUILD, DROP], [BUILD, DROP]), ([], []),
     ([DROP, "CREATE INDEX i ON t (a)"], [DROP, "CREATE INDEX i ON t (a)"])],
)  # fmt: skip
def test_what_clears_the_way_for_a_second_try_is_not_copied(statements: list[str], copied: list[str]) -> None:
    assert to_copy(statements) == copied
