"""Values of settings as a person writes them."""

import pytest

from dashboard.server.units import value_text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("16384", "8kB", "128 MB"),
        ("4096", "kB", "4 MB"),
        ("1", "MB", "1 MB"),
        ("512", "B", "512 B"),
        ("300", "s", "5 min"),
        ("10", "ms", "10 ms"),
        ("60000", "ms", "1 min"),
        ("-1", "kB", "-1"),
        ("0", "ms", "0"),
        ("0.5", "ms", "0.5"),
        ("on", None, "on"),
        ("", None, "(empty)"),
        (None, None, "unknown"),
        ("7", "parsecs", "7 parsecs"),
        ("²", "kB", "²"),
    ],
)
def test_a_value_is_told_in_its_largest_fitting_unit(value, unit, text):
    assert value_text(value, unit) == text
