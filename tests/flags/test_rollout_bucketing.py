"""The pinned bucketing of an environment: shown with who would move, changed by an admin with a reason."""

import pytest
from sqlalchemy import select

from dashboard.flags import segments
from dashboard.flags.bucketing import split
from dashboard.flags.models import FlagRevision
from dashboard.flags.queries import cell_of, drawing_in, flag_by_key
from dashboard.flags.rebucketing import moved_shares
from dashboard.flags.rules import Definition
from dashboard.security.models import AuditEntry
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import environment_by_slug
from tests.flags.conftest import make_flag

URL = "/flags/bucketing/staging"
QUARTER = {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["a", 25], ["b", 75]]}


def pinned(store):
    store.expire_all()
    return store.scalars(select(FlagRevision).join(Environment).where(Environment.slug == "staging")).one()


def test_between_the_versions_three_in_eight_move_at_a_quarter():
    ((key, share),) = moved_shares({"checkout": {"if": [True, QUARTER]}, "plain": None}, "v2", "v3")
    assert (key, share) == ("checkout", 0.375)
    variants = [[split(f"seed{number}", QUARTER["fractional"][1:], version) for version in ("v2", "v3")]
                for number in range(10_000)]  # fmt: skip
    assert abs(sum(old != new for old, new in variants) / 10_000 - share) < 0.02


@pytest.mark.parametrize(
    ("entries", "share"),
    [
        ([["a", 10], ["b", 10], ["a", 10], ["b", 10], ["c", 60]], 1 - 0.2**2 - 0.2**2 - 0.6**2),
        ([["a"], ["b"]], 0.5),
        ([["a", 100], ["b", 0]], 0.0),
        ([["a", {"var": "weight"}], ["b", 1]], 0.0),
        ([["a", -5], ["b", 1]], 0.0),
    ],
)
def test_who_moves_depends_on_the_shares_alone(entries, share):
    for operands in (entries, [{"var": "targetingKey"}, *entries]):
        assert moved_shares({"checkout": {"fractional": operands}}, "v2", "v3") == [("checkout", pytest.approx(share))]


def test_those_count_whose_rule_or_segment_draws_and_who_needs_them(as_admin, app, flags):
    with app.app_context():
        staging = environment_by_slug("staging")
        segments.save(staging, "early", "", {"==": [QUARTER, "a"]}, version=0)
        for key, rule in (
            ("drawn", QUARTER),
            ("by_segment", {"if": [{"$ref": "early"}, "on", "off"]}),
            ("plain", None),
        ):
            make_flag(key, definition=Definition(True, {"on": True, "off": False}, "on"))
            setting = cell_of(flag_by_key(key), staging).setting
            setting.targeting = rule
        db.session.commit()
        assert sorted(drawing_in(staging)) == ["by_segment", "drawn"]
    page = as_admin.get(URL).text
    assert page.count("38 %") == 2


def test_an_admin_pins_it_once_and_the_change_is_written_down(as_admin, flags, store):
    page = as_admin.get(URL).text
    assert "nobody would move" in page
    before = pinned(store).revision
    sent = {"bucketing": "v3", "version": before, "reason": "one provider only", "typed_key": "staging"}
    assert as_admin.post(URL, data=sent | {"typed_key": ""}).status_code == 422
    assert as_admin.post(URL, data=sent | {"version": before + 1}).status_code == 409
    assert as_admin.post(URL, data=sent).status_code == 303
    assert (pinned(store).bucketing, pinned(store).revision) == ("v3", before + 1)
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "flag.bucketing")).one()
    assert (entry.before, entry.after) == ({"bucketing": "v2"}, {"bucketing": "v3"})


def test_operators_see_it_and_may_not_change_it(as_operator, flags, store):
    assert "takes the role admin" in as_operator.get(URL).text
    assert as_operator.post(URL, data={"bucketing": "v3", "version": 1}).status_code == 403
    assert pinned(store).bucketing == "v2"
