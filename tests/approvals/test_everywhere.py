"""Archiving and restoring change every environment at once: they wait where one of them needs approvals."""

import pytest
from sqlalchemy import insert, select, update

from dashboard.approvals import edits
from dashboard.approvals.models import ChangeRequest
from dashboard.flags import everywhere
from dashboard.security.models import Account, EnvironmentRole
from dashboard.store import db
from dashboard.targets.models import Environment
from tests.approvals.conftest import ON, TURN

ARCHIVE, RESTORE = "/flags/checkout/archive", "/flags/checkout/restore"
ENDED = {"reason": "nobody asks for it", "operation_id": "archiving", "version": 1}


@pytest.fixture
def archived(asked, people, guarded):
    """The flag is archived by somebody, as somebody else approved."""
    _, url = asked(url=ARCHIVE, **ENDED)
    assert people().post(f"{url}/approve").status_code == 303
    assert guarded().flag("checkout").archived_at


def test_a_flag_is_archived_when_enough_others_agreed(asked, guarded, people, store):
    guarded(2)
    asker, url = asked(url=ARCHIVE, **ENDED)
    assert asker.post(f"{url}/approve").status_code == 403
    people().post(f"{url}/approve")
    assert guarded(2).flag("checkout").archived_at is None
    assert people().post(f"{url}/approve").status_code == 303
    flag, row = guarded(2).flag("checkout"), store.scalars(select(ChangeRequest)).one()
    assert (flag.archived_at is None, flag.archived_by, flag.version) == (False, row.author, 2)
    assert (row.kind, row.state, row.place, row.applied_version) == ("change", "applied", "production", 2)


def test_a_restore_waits_though_the_flag_is_archived_and_is_void_once_it_is_not(asked, archived, guarded, people):
    sent = ENDED | {"version": 2}
    _, url = asked(url=RESTORE, **sent | {"operation_id": "restoring"})
    _, other = asked(url=RESTORE, **sent | {"operation_id": "restoring too"})
    assert guarded().flag("checkout").archived_at
    assert "It is void" not in people().get(url).text
    assert people().post(f"{url}/approve").status_code == 303
    assert guarded().flag("checkout").archived_at is None
    assert "checkout was restored already, by operator-" in people().get(other).text
    assert people().post(f"{other}/approve").status_code == 409


def test_any_change_anywhere_makes_it_void(asked, people, app):
    asker, url = asked(url=ARCHIVE, **ENDED)
    asker.post(TURN.replace("production", "staging"), data=ON | {"operation_id": "in-staging"})
    assert "checkout was changed since, by operator-" in people().get(url).text
    with app.app_context():
        assert (edits.tidy(), edits.tidy()) == (1, 0)
        db.session.remove()
    assert people().post(f"{url}/approve").status_code == 409


def test_it_is_void_when_whoever_asked_may_not_change_flags_everywhere_any_more(asked, people, store):
    _, url = asked(url=ARCHIVE, **ENDED)
    store.execute(update(Account).where(Account.email.like("operator-%")).values(role="viewer"))
    store.commit()
    assert "may not change flags any more" in people("admin").get(url).text


def test_it_is_void_when_whoever_asked_only_reads_one_of_its_environments_by_now(asked, people, store):
    _, url = asked(url=ARCHIVE, **ENDED)
    staging = select(Environment.id).where(Environment.slug == "staging").scalar_subquery()
    who = select(ChangeRequest.author_id).scalar_subquery()
    store.execute(insert(EnvironmentRole).values(account_id=who, environment_id=staging, role="viewer"))
    store.commit()
    assert "may not change flags any more" in people("admin").get(url).text


def test_it_is_void_when_another_environment_is_stricter_by_now(asked, guarded, people, store):
    _, url = asked(url=ARCHIVE, **ENDED)
    store.execute(update(Environment).where(Environment.slug == "staging").values(approvals_needed=3))
    store.commit()
    answer = people().post(f"{url}/approve")
    assert (answer.status_code, "staging needs more approvals than production" in answer.text) == (409, True)
    assert guarded().flag("checkout").archived_at is None


def test_the_dialogs_say_that_it_waits_and_want_no_key_typed(guarded, people, archived):
    page = people().get("/flags/checkout").text
    assert ("Ask for approval" in page, "Type the key to confirm" in page) == (True, False)
    guarded(0)
    page = people().get("/flags/checkout").text
    assert ("Ask for approval" in page, "Type the key to confirm" in page) == (False, True)


def test_where_nobody_approves_it_happens_at_once_and_opens_no_review(guarded, people, store):
    guarded(0)
    assert people().post(ARCHIVE, data=ENDED | {"typed_key": "checkout"}).location == "/flags/checkout"
    assert store.scalars(select(ChangeRequest)).all() == []
    assert people().post(RESTORE, data=ENDED | {"version": 2}).status_code == 422


@pytest.mark.parametrize(
    ("needed", "production", "chosen"),
    [((0, 0, 0), 2, None), ((1, 2, 1), 2, "b"), ((1, 1, 0), 0, "a"), ((1, 1, 1), None, "c")],
)
def test_the_strictest_place_decides(needed, production, chosen):
    places = [
        Environment(slug=slug, approvals_needed=number, is_production=at == production, position=at)
        for at, (slug, number) in enumerate(zip("abc", needed, strict=True))
    ]
    found = everywhere.strictest(places)
    assert (found.slug if found else None) == chosen
