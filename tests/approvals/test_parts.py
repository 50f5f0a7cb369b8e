"""What the flags of an environment share waits as they do: segments, and how percentages are drawn."""

import pytest
from sqlalchemy import select, update

from dashboard.approvals import edits
from dashboard.approvals.models import ChangeRequest
from dashboard.flags.models import FlagRevision, FlagVersion
from dashboard.flags.segment_models import FlagSegment
from dashboard.security.models import Account, AuditEntry
from dashboard.store import db
from dashboard.targets.models import Environment

BETA = "/flags/segments/production/beta"
BUCKETING = "/flags/bucketing/production"


def segment(number, version=0, rule='{"==": [1, 1]}'):
    sent = {"name": "beta", "description": f"the {number}.", "rules_view": "json", "text": rule, "version": version}
    return sent | {"operation_id": f"segment-{number}", "reason": "a trial", "typed_key": "beta"}


@pytest.fixture
def served(app, as_admin):
    """What applications get of production now."""
    return lambda: as_admin.get("/flags/export?environment=production").data


@pytest.fixture
def with_segment(guarded, people):
    """Production has a segment, and takes approvals from now on."""
    guarded(0)
    assert people().post("/flags/segments/production", data=segment(1)).status_code == 303
    guarded(1)


@pytest.fixture
def revision(store):
    def newest():
        store.expire_all()
        wanted = select(FlagRevision).join(Environment, Environment.id == FlagRevision.environment_id)
        return store.scalars(wanted.where(Environment.slug == "production")).one()

    return newest


def test_a_new_segment_takes_as_many_others_as_the_environment_says(asked, guarded, people, served, store):
    guarded(2)
    before = served()
    asker, url = asked(url="/flags/segments/production", **segment(1))
    assert asker.post(f"{url}/approve").status_code == 403
    first = people()
    for _ in range(2):
        assert first.post(f"{url}/approve").status_code == 303
    assert served() == before
    assert people("admin").post(f"{url}/approve").status_code == 303
    found = store.scalars(select(FlagSegment)).one()
    assert (found.name, found.version, b'"beta"' in served()) == ("beta", 1, True)
    kept = store.scalars(select(FlagVersion).where(FlagVersion.segment == "beta")).one()
    assert (kept.author, kept.reason[:21]) == (found.updated_by, "a trial (approved by ")
    assert store.scalars(select(AuditEntry.author).where(AuditEntry.action == "segment.set")).one() == kept.author
    assert "It was approved and made: version 1" in asker.get(url).text


def test_it_is_void_as_soon_as_the_segment_changed(asked, with_segment, people, request_row):
    _, first = asked(url=BETA, **segment(2, 1))
    _, second = asked(url=BETA, **segment(3, 1))
    assert people().post(f"{first}/approve").status_code == 303
    assert "It is void: Segment beta was changed in production since, by operator-" in people().get(second).text
    assert people().post(f"{second}/approve").status_code == 409
    assert (request_row().state, request_row().decided_by[:9]) == ("void", "operator-")


def test_a_removal_waits_too_and_what_was_asked_before_is_void(asked, with_segment, people, store, app):
    _, change = asked(url=BETA, **segment(2, 1))
    _, removal = asked(url=f"{BETA}/remove", version=1, operation_id="removing-1")
    assert store.scalars(select(FlagSegment)).one().version == 1
    assert people().post(f"{removal}/approve").status_code == 303
    store.expire_all()
    assert store.scalars(select(FlagSegment)).all() == []
    with app.app_context():
        assert (edits.tidy(), edits.tidy()) == (1, 0)
        db.session.remove()
    assert "Segment beta was changed in production since" in people().get(change).text
    _, again = asked(url="/flags/segments/production", **segment(4))
    people().post(f"{again}/approve")
    store.expire_all()
    assert store.scalars(select(FlagSegment)).one().version == 3


def test_what_a_rule_refers_to_by_now_stays_and_the_request_is_void(asked, with_segment, people, guarded, request_row):
    _, removal = asked(url=f"{BETA}/remove", version=1, operation_id="removing-1")
    guarded(0)
    variants = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1"}
    rule = {"rules_view": "json", "targeting": '{"if": [{"$ref": "beta"}, "on"]}', "version": 1, "reason": "go"}
    form = variants | rule | {"operation_id": "referring", "typed_key": "checkout"}
    assert people().post("/flags/checkout/in/production/set", data=form).status_code == 303
    guarded(1)
    assert people().post(f"{removal}/approve").status_code == 409
    assert (request_row().state, request_row().decision[:27]) == ("void", "beta is used by checkout. T")


def test_what_stands_on_a_segment_that_is_asked_for_is_approved_after_it(asked, with_segment, people, guarded):
    variants = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1"}
    rule = {"rules_view": "json", "targeting": '{"if": [{"$ref": "beta"}, "on"]}', "version": 1}
    _, flag = asked(url="/flags/checkout/in/production/set", **variants, **rule)
    _, removal = asked(url=f"{BETA}/remove", version=1, operation_id="removing-1")
    assert people().post(f"{removal}/approve").status_code == 303
    _, again = asked(url="/flags/segments/production", **segment(2))
    answer = people().post(f"{flag}/approve")
    assert (answer.status_code, "Approve segment beta first" in answer.text) == (409, True)
    for url in (again, flag):
        assert people().post(f"{url}/approve").status_code == 303
    assert guarded()["checkout", "production"].version == 2


def test_bucketing_waits_and_takes_whoever_asked_to_be_an_admin_still(asked, people, revision, store, guarded):
    seen, form = revision().revision, {"bucketing": "v3", "typed_key": "production"}
    _, url = asked(people("admin"), BUCKETING, **form, version=seen)
    assert (revision().bucketing, revision().revision) == ("v2", seen)
    store.execute(update(Account).where(Account.email.like("admin-%")).values(role="operator"))
    store.commit()
    assert "may not change flags in production any more" in people().get(url).text
    store.execute(update(Account).where(Account.email.like("admin-%")).values(role="admin"))
    store.commit()
    assert people().post(f"{url}/approve").status_code == 303
    assert (revision().bucketing, store.scalars(select(ChangeRequest.applied_version)).one()) == ("v3", 1)


def test_of_two_who_pin_it_only_one_does(asked, people, revision):
    form = {"bucketing": "v3", "typed_key": "production", "version": revision().revision}
    urls = [asked(people("admin"), BUCKETING, **form, operation_id=f"pinning-{number}")[1] for number in range(2)]
    assert people().post(f"{urls[0]}/approve").status_code == 303
    assert people().post(f"{urls[1]}/approve").status_code == 409
    assert "Bucketing was changed in production since, by admin-" in people().get(urls[1]).text


def test_whoever_asked_and_was_deleted_makes_it_void(asked, with_segment, people, store):
    _, url = asked(url=BETA, **segment(2, 1))
    store.execute(update(ChangeRequest).values(author_id=None))
    store.commit()
    assert "may not change flags in production any more" in people().get(url).text
