"""Readings of a real database whose migrations are run by Alembic itself."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from dashboard.changes.models import Change
from dashboard.history import collect, queries
from dashboard.history.models import HeadMove, HistoryReading, Revision
from dashboard.store import db
from dashboard.targets.collection import Collection
from dashboard.targets.connect import TargetRefused, address_of, reading
from dashboard.targets.models import Target
from tests.conftest import Database

T0 = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENV = """
from alembic import context
connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
"""
CHAIN = {"a1": None, "b1": "a1", "b2": "a1", "m1": ("b1", "b2"), "c1": "m1"}


class Shop:
    """A folder of revisions, the database that they are run on, and our readings of both."""

    def __init__(self, app: Flask, target: Target, database: Database, folder: Path) -> None:
        self.app, self.target_id, self.database, self.folder = app, target.id, database, folder
        self.minute = 0
        (folder / "versions").mkdir()
        (folder / "env.py").write_text(ENV)
        for revision, parents in CHAIN.items():
            self.write(revision, parents)

    def write(self, revision: str, parents: object) -> None:
        body = f'"""Do {revision}"""\nrevision = {revision!r}\ndown_revision = {parents!r}\n'
        text = body + "def upgrade(): pass\ndef downgrade(): pass\n"
        (self.folder / "versions" / f"{revision}_.py").write_text(text)

    def alembic(self, word: str, revision: str) -> None:
        config = Config()
        config.set_main_option("script_location", str(self.folder))
        config.set_main_option("path_separator", "os")
        engine = create_engine(self.database.url, poolclass=NullPool)
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            getattr(command, word)(config, revision)
            connection.commit()
        self.database.execute("grant select on alembic_version to public")

    def read(self) -> Collection:
        """One reading, a minute after the one before."""
        self.minute += 1
        at = T0 + timedelta(minutes=self.minute)
        with self.app.app_context():
            target = db.session.get_one(Target, self.target_id)
            with reading(address_of(target)) as reader:
                collection = Collection(target=target, slot=at, now=at, reader=reader)
                collect.collect(collection)
            db.session.commit()
        return collection

    def use_folder(self, place: Path | None) -> None:
        with self.app.app_context():
            db.session.get_one(Target, self.target_id).migrations_dir = None if place is None else str(place)
            db.session.commit()


@pytest.fixture
def shop(app: Flask, target: Target, target_db: Database, tmp_path: Path) -> Shop:
    shop = Shop(app, target, target_db, tmp_path)
    shop.use_folder(tmp_path)
    return shop


def states(store: Session) -> dict[str, str | None]:
    store.expire_all()
    return {row.revision: row.state for row in store.scalars(select(Revision).order_by(Revision.position))}


def test_without_a_version_table_everything_is_pending(shop: Shop, store: Session) -> None:
    shop.read()
    assert states(store) == dict.fromkeys(("a1", "b1", "b2", "m1", "c1"), "pending")


def test_what_was_applied_before_the_first_reading_says_so(shop: Shop, store: Session) -> None:
    shop.alembic("upgrade", "b1")
    shop.read()
    row = store.get_one(Revision, (shop.target_id, "b1"))
    assert (row.state, row.evidence, row.applied_after) == ("applied", "before_recording", None)
    assert row.applied_before == T0 + timedelta(minutes=1)
    assert states(store)["b2"] == "pending"
    assert store.scalars(select(Change)).all() == []


def test_an_upgrade_between_two_readings_is_a_move_and_a_change(shop: Shop, store: Session) -> None:
    shop.alembic("upgrade", "a1")
    shop.read()
    shop.alembic("upgrade", "m1")
    shop.read()
    row = store.get_one(Revision, (shop.target_id, "m1"))
    assert (row.evidence, row.applied_after) == ("elsewhere", T0 + timedelta(minutes=1))
    change = store.scalars(select(Change)).one()
    assert (change.kind, change.title) == ("migration", "3 migrations applied, up to m1")
    assert (change.noticed_after, change.at) == (T0 + timedelta(minutes=1), T0 + timedelta(minutes=2))
    assert change.detail["applied"] == ["b1", "b2", "m1"]


def test_two_branches_are_two_heads_of_one_table(shop: Shop, store: Session) -> None:
    shop.alembic("upgrade", "b1")
    shop.alembic("upgrade", "b2")
    shop.read()
    assert store.scalars(select(HeadMove)).one().heads == ["b1", "b2"]
    assert states(store)["m1"] == "pending"


def test_a_downgrade_is_rolled_back_and_waits_again(shop: Shop, store: Session) -> None:
    shop.alembic("upgrade", "c1")
    shop.read()
    shop.alembic("downgrade", "m1")
    shop.read()
    assert states(store)["c1"] == "rolled_back"
    assert store.scalars(select(Change)).one().title == "Migration c1 rolled back: Do c1"
    with shop.app.app_context():
        assert queries.pending_count(shop.target_id) == 1


def test_a_reading_without_news_writes_only_its_time(shop: Shop, store: Session) -> None:
    shop.alembic("upgrade", "c1")
    shop.read()
    shop.read()
    assert len(store.scalars(select(HeadMove)).all()) == 1
    assert store.get_one(HistoryReading, shop.target_id).read_at == T0 + timedelta(minutes=2)


def test_a_new_file_is_pending_at_the_next_reading(shop: Shop, store: Session) -> None:
    shop.alembic("upgrade", "c1")
    shop.read()
    shop.write("d1", "c1")
    (shop.folder / "versions" / "broken.py").write_text("revision = (")
    shop.read()
    assert states(store)["d1"] == "pending"
    found = store.get_one(HistoryReading, shop.target_id).folder_findings
    assert [finding["subject"] for finding in found] == ["broken.py"]


def test_a_database_ahead_of_the_code_is_a_finding(shop: Shop, store: Session) -> None:
    shop.alembic("upgrade", "c1")
    shop.read()
    shop.database.execute("update alembic_version set version_num = 'z9'")
    shop.read()
    assert states(store) == dict.fromkeys(("a1", "b1", "b2", "m1", "c1", "z9"), "applied")
    assert "ahead of this code" in store.get_one(HistoryReading, shop.target_id).findings[0]["sentence"]


def test_without_a_folder_only_the_heads_are_known(shop: Shop, store: Session) -> None:
    shop.use_folder(None)
    shop.alembic("upgrade", "b1")
    shop.read()
    shop.alembic("upgrade", "c1")
    shop.read()
    assert states(store) == {"b1": "applied", "c1": "applied"}
    shop.use_folder(shop.folder)
    shop.read()
    assert states(store) == dict.fromkeys(("a1", "b1", "b2", "m1", "c1"), "applied")
    assert store.get_one(Revision, (shop.target_id, "b1")).evidence == "before_recording"


def test_a_folder_that_vanished_is_said_and_what_was_read_stays(shop: Shop, store: Session) -> None:
    shop.alembic("upgrade", "b1")
    shop.read()
    (shop.folder / "versions").rename(shop.folder / "gone")
    shop.folder.rename(shop.folder.with_name("elsewhere"))
    shop.read()
    assert states(store)["c1"] == "pending"
    assert "no such folder" in (store.get_one(HistoryReading, shop.target_id).folder_problem or "")


def test_a_version_table_that_may_not_be_read_names_the_grant(shop: Shop) -> None:
    shop.database.execute(
        'create schema "odd ""schema"; create table "odd ""schema".alembic_version (version_num text)'
    )
    with pytest.raises(TargetRefused) as refused:
        shop.read()
    assert refused.value.sqlstate == "42501"
    assert 'GRANT SELECT ON "odd ""schema".alembic_version TO' in (refused.value.remedy_sql or "")


def test_one_hidden_table_of_two_is_partial_and_not_a_rollback(shop: Shop, store: Session) -> None:
    shop.alembic("upgrade", "c1")
    shop.database.execute("create schema auth; create table auth.alembic_version (version_num text)")
    collection = shop.read()
    assert collection.reason == "The watching role may not read auth.alembic_version."
    shop.database.execute("revoke select on alembic_version from public")
    shop.database.execute("grant usage on schema auth to public; grant select on auth.alembic_version to public")
    shop.read()
    assert set(states(store).values()) == {"applied"}
