"""Real web processes killed in the middle of writes, and evaluation while the store is gone.

FAULT_TOGGLES (2000) and FAULT_AWAY_S (30) make both longer than there is time for each time.
"""

import os
import time
from collections import Counter

import pytest
from sqlalchemy import func, select

from dashboard.flags import edits, live
from dashboard.flags.models import Flag, FlagSetting, FlagVersion
from dashboard.flags.queries import flag_by_key
from dashboard.store import db
from dashboard.targets.queries import environment_by_slug
from tests.conftest import close, make_app, run_sql
from tests.ofrep.conftest import add_key, imported, store_away, until
from tests.ofrep.web import Asker, Toggler, Web, asked, kills

FLAGS = ("plain", "zero", "whole", "text")
TOGGLES = int(os.environ.get("FAULT_TOGGLES", "80"))
AWAY_S = float(os.environ.get("FAULT_AWAY_S", "12"))
BULK = "/ofrep/v1/evaluate/flags"


@pytest.fixture(scope="module")
def shop(server, store_template):
    run_sql(server, "create database {} template {} owner pilothouse", "store_faults", store_template)
    app = imported(make_app(server, "store_faults"))
    yield app
    live.stop(app)
    close(app)


@pytest.fixture(scope="module")
def key(shop):
    """Known to every process from its start."""
    with shop.app_context():
        return add_key("staging")


@pytest.fixture(scope="module")
def web(shop, key, tmp_path_factory):
    web = Web(shop, tmp_path_factory.mktemp("web"))
    web.start()
    yield web
    web.stop()


def versions():
    """Flag → version, and how many versions were written down."""
    written = select(func.count()).where(FlagVersion.flag_id == Flag.id, FlagVersion.environment_id.is_not(None))
    rows = select(Flag.key, FlagSetting.version, FlagSetting.enabled, written.scalar_subquery()).join(FlagSetting)
    return {row.key: tuple(row)[1:] for row in db.session.execute(rows.where(Flag.key.in_(FLAGS)))}


@pytest.mark.fault
def test_killed_web_processes_lose_no_acknowledged_toggle_and_repeat_none(shop, web, sign_in):
    browser, turns = sign_in(shop, "operator"), TOGGLES // len(FLAGS)
    people = [Toggler(web, browser, f"/flags/{key}/in/staging/toggle", turns) for key in FLAGS]
    with kills(web, lambda: sum(len(person.acknowledged) for person in people), max(20, TOGGLES // 20)) as killed:
        for person in people:
            person.start()
        for person in people:
            person.join()
    assert [Counter(person.acknowledged) for person in people] == [{200: turns}] * len(FLAGS)
    assert len(killed) > 1
    with shop.app_context():
        assert versions() == dict.fromkeys(FLAGS, (turns + 1, turns % 2 == 0, turns + 1))


@pytest.mark.fault
def test_evaluation_goes_on_while_the_store_is_stopped_and_catches_up_by_itself(shop, server, web, key):
    time.sleep(live.POLL_S)
    until_s = time.monotonic() + AWAY_S + 2

    def going():
        return time.monotonic() < until_s

    askers = [Asker(web, key, path, going) for path in (BULK, f"{BULK}/chosen", BULK, f"{BULK}/split")]
    for asker in askers:
        asker.start()
    with store_away(server, shop):
        time.sleep(AWAY_S)
        status, ready, _ = asked(web.port, "/readyz/flags")
        assert (status, ready["status"], ready["reason"]) == (200, "stale", live.NO_ANSWER)
    for asker in askers:
        asker.join()
    assert [list(asker.statuses) for asker in askers] == [[200]] * len(askers)
    assert set.union(*(asker.told for asker in askers)) == {"fresh", "stale"}
    with shop.app_context():
        edits.toggle(flag_by_key("thing"), environment_by_slug("staging"), enabled=False, version=None)
        db.session.commit()
    until(lambda: asked(web.port, f"{BULK}/thing", key, b"{}")[1]["reason"] == "DISABLED")
