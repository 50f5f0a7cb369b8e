"""Texts that were stored before commands were masked: the revision masks them."""

import importlib.util
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from dashboard.statements.models import StatementFamily
from tests.statements.test_collect import Read

REVISION = Path(__file__).parents[2] / "migrations/versions/0011_statements.py"
BEFORE = {
    "create role a password 'hunter2' valid until 'x'": "create role a password '***' valid until '***'",
    "/* it's */ alter role a password E'hunt\\'er2'": None,
    "alter role a password $$hunter2$$": "alter role a password '***'",
    "create server s options (password 'hunter2": "create server s options (password '***'",
    "select 'kept' from orders": "select 'kept' from orders",
    " (SELECT 'kept')": " (SELECT 'kept')",
}


def test_the_upgrade_masks_the_strings_of_commands(read: Read, store: Session, target_db: Any) -> None:
    spec = importlib.util.spec_from_file_location("revision", REVISION)
    revision = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(revision)
    for number in range(len(BEFORE)):
        target_db.execute(f"create table t{number} (id int)")
    read(0)
    families = store.scalars(select(StatementFamily).order_by(StatementFamily.id)).all()[: len(BEFORE)]
    for family, before in zip(families, BEFORE, strict=True):
        family.text = before
    store.flush()
    store.execute(text(revision.MASKED))
    for family, before in zip(families, BEFORE, strict=True):
        store.refresh(family)
        assert "er2" not in family.text
        assert family.text == (BEFORE[before] or family.text)
    store.rollback()
