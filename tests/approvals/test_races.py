"""Several people at once: the change happens once, and nobody waits for another in a circle."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select, update

from dashboard.approvals.models import ChangeApproval, ChangeRequest
from dashboard.flags.models import Flag, FlagSetting, FlagVersion
from dashboard.store import db
from dashboard.targets.models import Environment
from tests.approvals.conftest import ON, TURN
from tests.flags.conftest import make_flag


@pytest.fixture
def shared_store(cloned_store: Flask) -> Flask:
    with cloned_store.app_context():
        make_flag()
        db.session.execute(update(Environment).where(Environment.slug == "production").values(approvals_needed=1))
        db.session.commit()
    return cloned_store


def at_once(works):
    with ThreadPoolExecutor(len(works)) as threads:
        return sorted(answer.status_code for answer in threads.map(lambda work: work(), works))


def test_two_last_approvals_and_a_change_of_the_flag_make_one_change(shared_store: Flask, sign_in) -> None:
    people = [sign_in(shared_store, "operator") for _ in range(5)]
    urls = [people[0].post(TURN, data=ON | {"operation_id": f"operation-{number}"}).location for number in range(2)]
    works = [lambda who=who, url=url: who.post(f"{url}/approve") for who in people[1:] for url in urls]
    assert at_once(works) == [303] + [409] * 7
    with shared_store.app_context():
        states = sorted(db.session.scalars(select(ChangeRequest.state)))
        assert states == ["applied", "void"]
        assert len(db.session.scalars(select(ChangeApproval)).all()) == 1
        setting = db.session.scalars(select(FlagSetting).where(FlagSetting.enabled)).one()
        assert setting.version == 2
        kept = select(FlagVersion).where(FlagVersion.environment_id == setting.environment_id)
        assert len(db.session.scalars(kept).all()) == 2


def test_two_clicks_ask_once_and_two_last_approvals_make_one_change_each(shared_store: Flask, sign_in) -> None:
    people = [sign_in(shared_store, "operator") for _ in range(4)]
    sent = {"name": "beta", "description": "", "rules_view": "json", "text": '{"==": [1, 1]}', "reason": "a trial"}
    adding = [sent | {"version": 0, "operation_id": f"adding-{number}"} for number in range(2)]
    ending = {"version": 1, "reason": "gone", "operation_id": "archiving"}
    urls = [people[0].post("/flags/segments/production", data=form).location for form in adding]
    twice = at_once([lambda: people[0].post("/flags/checkout/archive", data=ending)] * 2)
    assert twice == [303, 303]
    with shared_store.app_context():
        archiving = db.session.scalars(select(ChangeRequest.public_id).where(ChangeRequest.flag_id.is_not(None))).one()
    urls.append(f"/approvals/{archiving}")
    works = [lambda who=who, url=url: who.post(f"{url}/approve") for who in people[1:] for url in urls]
    assert at_once(works) == [303] * 2 + [409] * 7
    with shared_store.app_context():
        states = db.session.scalars(select(ChangeRequest.state).order_by(ChangeRequest.state)).all()
        assert states == ["applied", "applied", "void"]
        kept = db.session.scalars(select(FlagVersion.version).where(FlagVersion.segment == "beta")).all()
        flag = db.session.scalars(select(Flag)).one()
        assert (kept, flag.version, flag.archived_at is None) == ([1], 2, False)
