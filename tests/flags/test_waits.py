"""Who waits for an environment's flags holds up nobody else: the end of the audit log is taken after them."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from dashboard.flags.models import Flag
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.flags.serving import CHANGING, hold
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.flags.conftest import make_flag

VARIANTS = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "0"}
NEW = {"key": "fresh", "type": "boolean", "kind": "release", "environments": ["staging"]} | VARIANTS
WAITING = text(f"select count(*) from pg_locks where locktype = 'advisory' and not granted and classid = {CHANGING}")
END = text("select seq from audit_head where id = 1 for update nowait")


@pytest.fixture
def operator(cloned_store, sign_in):
    """Somebody who planned a change of `checkout` in staging."""
    with cloned_store.app_context():
        make_flag()
    browser = sign_in(cloned_store, "operator")
    at = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    form = {"what": "on", "at": at, "version": 1, "operation_id": "planning-1"}
    assert browser.post("/flags/checkout/in/staging/schedule", data=form).status_code == 303
    return browser


def test_creating_and_cancelling_wait_with_empty_hands(cloned_store, operator):
    with cloned_store.app_context(), ThreadPoolExecutor(1) as another:
        cancel = f"/flags/schedules/{db.session.scalars(select(FlagSchedule.public_id)).one()}/cancel"
        value = {"key": "limit", "value": "5", "environments": ["staging"], "operation_id": "operation-3"}
        for url, form in ((cancel, {}), ("/flags", NEW | {"operation_id": "operation-2"}), ("/configuration", value)):
            hold(environment_by_slug("staging"))
            asked = another.submit(operator.post, url, data=form)
            while not db.session.scalar(WAITING) and not asked.done():
                time.sleep(0.01)
            assert db.session.scalar(END) is not None, url
            db.session.rollback()
            assert asked.result().status_code == 303, url
        assert set(db.session.scalars(select(Flag.key))) == {"checkout", "fresh", "limit"}
