"""Archiving and restoring change every environment where a flag is set: in each of them the role counts."""

import pytest
from sqlalchemy import select

from dashboard.security.models import Account, EnvironmentRole
from dashboard.targets.models import Environment

ARCHIVE, RESTORE = "/flags/checkout/archive", "/flags/checkout/restore"
FORM = {"version": 1, "reason": "nobody reads it", "typed_key": "checkout"}


@pytest.fixture
def reads_production(app, flags, store, sign_in):
    """Somebody who is an operator, but only reads in production."""
    browser = sign_in(app, "operator", store)
    place = store.scalars(select(Environment.id).where(Environment.slug == "production")).one()
    account = store.scalars(select(Account.id).order_by(Account.id.desc())).first()
    store.add(EnvironmentRole(account_id=account, environment_id=place, role="viewer"))
    store.commit()
    return browser


def test_who_only_reads_in_production_takes_no_flag_away_there(reads_production, flags):
    assert reads_production.post(ARCHIVE, data=FORM | {"operation_id": "operation-1"}).status_code == 403
    assert flags.flag("checkout").archived_at is None
    page = reads_production.get("/flags/checkout").text
    assert ("Archiving it takes the role operator in Production too" in page, ARCHIVE in page) == (True, False)


def test_nor_brings_one_back(reads_production, as_operator, flags):
    as_operator.post(ARCHIVE, data=FORM | {"operation_id": "operation-1"})
    again = FORM | {"operation_id": "operation-2", "version": 2}
    assert reads_production.post(RESTORE, data=again).status_code == 403
    assert flags.flag("checkout").archived_at is not None
    page = reads_production.get("/flags/checkout").text
    assert ("Restoring it takes the role operator in Production too" in page, RESTORE in page) == (True, False)
    assert as_operator.post(RESTORE, data=again).status_code == 303
