"""Who approves holds what is changed before the end of the audit log is taken: nobody waits in a circle."""

import time
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import text, update

from dashboard.flags.serving import CHANGING, hold
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import environment_by_slug
from tests.approvals.conftest import ON, TURN
from tests.flags.conftest import make_flag

WAITING = f"select count(*) from pg_locks where locktype = 'advisory' and not granted and classid = {CHANGING}"
AUDIT_END = "select seq from audit_head where id = 1 for update nowait"


def test_an_approval_waits_for_the_environment_with_empty_hands(cloned_store, sign_in):
    with cloned_store.app_context():
        make_flag()
        db.session.execute(update(Environment).where(Environment.slug == "production").values(approvals_needed=1))
        db.session.commit()
    asker, other = sign_in(cloned_store, "operator"), sign_in(cloned_store, "operator")
    url = asker.post(TURN, data=ON).location
    with ThreadPoolExecutor(1) as beside, cloned_store.app_context():
        hold(environment_by_slug("production"))
        answer = beside.submit(other.post, f"{url}/approve")
        while not (db.session.scalar(text(WAITING)) or answer.done()):
            time.sleep(0.01)
        assert db.session.scalar(text(AUDIT_END)) is not None
        db.session.rollback()
        assert answer.result().status_code == 303
