"""Whoever changes several flags locks them in one order, so that no two wait for each other."""

from dashboard.flags.import_plan import flags_of
from tests.flags.conftest import make_flag

KEYS = ["b", "a-b", "aB", "_c", "B", "a.c"]


def test_an_import_locks_flags_by_code_point_as_a_promotion_does(app, places):
    with app.app_context():
        for key in KEYS:
            make_flag(key)
        assert list(flags_of(KEYS, locked=True)) == sorted(KEYS)
