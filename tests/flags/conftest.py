"""A flag in two environments, one of them production, and a way to read what became of it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.flags import edits
from dashboard.flags.imports import ensure_environment
from dashboard.flags.models import Flag, FlagSetting
from dashboard.flags.rules import Definition
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import environment_by_slug

ON_OFF = Definition(enabled=False, variants={"on": True, "off": False}, default_variant="on")


class Flags:
    """`flags["checkout", "staging"]`: the setting as the store has it now."""

    def __init__(self, store: Session) -> None:
        self.store = store

    def __getitem__(self, wanted: tuple[str, str]) -> FlagSetting:
        self.store.expire_all()
        found = (
            select(FlagSetting).join(Flag).join(Environment).where(Flag.key == wanted[0], Environment.slug == wanted[1])
        )
        return self.store.scalars(found).one()

    def flag(self, key: str) -> Flag:
        self.store.expire_all()
        return self.store.scalars(select(Flag).where(Flag.key == key)).one()


def make_flag(key: str = "checkout", type_: str = "boolean", definition: Definition = ON_OFF) -> None:
    flag = edits.create_flag(key, type_)
    for slug in ("staging", "production"):
        edits.set_in_environment(flag, ensure_environment(slug), definition, version=0)
    db.session.commit()


@pytest.fixture
def flags(app: Flask, store: Session) -> Iterator[Flags]:
    with app.app_context():
        make_flag()
    return Flags(store)


@pytest.fixture
def places(app: Flask, store: Session) -> Flags:
    """Three environments without a flag."""
    with app.app_context():
        for slug in ("development", "staging", "production"):
            ensure_environment(slug)
        db.session.commit()
    return Flags(store)


@pytest.fixture
def place(app: Flask) -> Iterator[Environment]:
    """Where the flag is set, in an app context of the whole test."""
    with app.app_context():
        make_flag()
        yield environment_by_slug("staging")
        db.session.rollback()
