"""A flag in an environment where somebody else has to approve, people who ask and people who approve."""

import pytest
from sqlalchemy import select, update

from dashboard.approvals.models import ChangeRequest
from dashboard.targets.models import Environment
from tests.flags.conftest import flags  # noqa: F401 - a fixture works where it is imported

ON = {"enabled": "on", "version": 1, "operation_id": "operation-1", "reason": "launch day"}
TURN = "/flags/checkout/in/production/toggle"


@pytest.fixture
def guarded(flags, store):  # noqa: F811
    """`guarded(2)`: production takes two approvals from now on."""

    def needing(approvals=1):
        store.execute(update(Environment).where(Environment.slug == "production").values(approvals_needed=approvals))
        store.commit()
        return flags

    needing()
    return needing


@pytest.fixture
def people(app, store, sign_in):
    """`people("operator")`: one more of that role, in a browser of their own."""
    return lambda role="operator": sign_in(app, role, store)


@pytest.fixture
def asked(guarded, people, store):
    """Ask for something: `asked()` is who asked and the address of the request."""

    def asking(browser=None, url=TURN, **form):
        browser = browser or people()
        answer = browser.post(url, data=ON | form)
        assert answer.status_code == 303, answer.text
        assert answer.location.startswith("/approvals/"), answer.location
        return browser, answer.location

    return asking


@pytest.fixture
def request_row(store):
    """The newest request as the store has it now."""

    def newest():
        store.expire_all()
        return store.scalars(select(ChangeRequest).order_by(ChangeRequest.id.desc()).limit(1)).one()

    return newest
