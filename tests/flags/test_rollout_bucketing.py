"""The pinned bucketing of an environment: shown with who would move, changed by an admin with a reason."""

from sqlalchemy import select

from dashboard.flags.models import FlagRevision
from dashboard.flags.rebucketing import moved_shares
from dashboard.security.models import AuditEntry
from dashboard.targets.models import Environment

URL = "/flags/bucketing/staging"
QUARTER = {"fractional": [{"cat": ["seed", {"var": "targetingKey"}]}, ["a", 25], ["b", 75]]}


def pinned(store):
    store.expire_all()
    return store.scalars(select(FlagRevision).join(Environment).where(Environment.slug == "staging")).one()


def test_between_the_versions_three_in_eight_move_at_a_quarter():
    ((key, share),) = moved_shares({"checkout": {"if": [True, QUARTER]}, "plain": None}, "v2", "v3")
    assert (key, abs(share - 0.375) < 0.04) == ("checkout", True)


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
