"""The pinned bucketing stands beside percentages, wherever those are shown, with the way to its page."""

import pytest
from sqlalchemy import select, update

from dashboard.flags.models import FlagRevision
from dashboard.flags.rules import Definition
from dashboard.targets.models import Environment
from tests.flags.conftest import make_flag

SPLIT = {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["on", 30], ["off", 70]]}
PLAIN = {"if": [{"var": "beta"}, "on", "off"]}
LINK = '<a href="/flags/bucketing/staging">bucketing v3</a>'


@pytest.fixture
def pages(app, places, as_operator, store):
    """The flag's page and the form of its rules, once a flag of this rule is there."""

    def shown(rule):
        with app.app_context():
            make_flag(definition=Definition(True, {"on": True, "off": False}, "on", rule))
        place = select(Environment.id).where(Environment.slug == "staging").scalar_subquery()
        store.execute(update(FlagRevision).where(FlagRevision.environment_id == place).values(bucketing="v3"))
        store.commit()
        return [as_operator.get(path).text for path in ("/flags/checkout", "/flags/checkout/in/staging")]

    return shown


def test_beside_percentages_stands_how_they_are_drawn(pages):
    page, form = pages(SPLIT)
    assert f"Percentages here are drawn by {LINK}" in page
    assert 'href="/flags/bucketing/production">bucketing v2</a>' in page
    assert f"Drawn by {LINK}" in form


def test_where_nothing_is_drawn_the_page_says_nothing_of_it(pages):
    page, _ = pages(PLAIN)
    assert "drawn by" not in page


def test_a_new_flag_belongs_to_no_environment_yet(as_operator, places):
    assert "Drawn by" not in as_operator.get("/flags/new").text
