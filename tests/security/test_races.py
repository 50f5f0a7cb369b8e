"""Two at once: the audit chain stays whole, one admin stays, one first admin is made."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from dashboard.errors import Invalid, PilothouseError
from dashboard.security.audit import record, verify
from dashboard.security.edits import change_role, create_account, ensure_first_admin
from dashboard.security.models import Account, AuditEntry
from dashboard.settings import load_settings
from dashboard.store import db

PASSWORD = "violet tram under snow"


@pytest.fixture
def app_of_all(cloned_store: Flask) -> Flask:
    cloned_store.config["ARGON2_MEMORY_KIB"] = 64
    return cloned_store


def at_once(app: Flask, works: list[Callable[[], object]]) -> list[object]:
    """Each in a transaction of its own; what it raised counts as its answer."""

    def run(work: Callable[[], object]) -> object:
        with app.app_context():
            try:
                answer = work()
                db.session.commit()
            except PilothouseError as refused:
                return refused
            return answer

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def test_entries_of_many_writers_make_one_chain(app_of_all: Flask) -> None:
    at_once(app_of_all, [lambda number=number: record("flag.toggle", f"flag-{number}") for number in range(8)] * 5)
    with app_of_all.app_context():
        assert db.session.scalar(select(func.count()).select_from(AuditEntry)) == 40
        assert verify() is None


def test_two_admins_who_demote_each_other_leave_one(app_of_all: Flask) -> None:
    with app_of_all.app_context():
        names = ("ada@example.org", "eve@example.org")
        ids = [create_account(email=email, name="", role="admin", password=PASSWORD).id for email in names]
        db.session.commit()
    answers = at_once(app_of_all, [lambda one=one: change_role(one, "viewer", 1) for one in ids])
    assert [type(answer) for answer in answers].count(Invalid) == 1
    with app_of_all.app_context():
        assert db.session.scalar(select(func.count()).where(Account.role == "admin")) == 1


def test_processes_that_start_together_make_one_admin(app_of_all: Flask) -> None:
    answers = at_once(app_of_all, [lambda: ensure_first_admin(load_settings({}))] * 4)
    assert {email for email, _ in answers} == {"admin@localhost"}
    assert len([password for _, password in answers if password]) == 1
