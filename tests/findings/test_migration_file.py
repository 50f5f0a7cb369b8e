"""A remedy as a migration: really run up and down with Alembic against PostgreSQL, whatever the names are."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from dashboard.findings.alembic_file import Migration
from tests.conftest import Database
from tests.findings.conftest import NOW

ENV = """
from alembic import context

with context.config.attributes["engine"].connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
FIRST = 'revision = "e4df0ab8c179"\ndown_revision = None\ndef upgrade():\n    pass\ndef downgrade():\n    pass\n'
NASTY = 'we"ird %(x)s :name \\:a \'q\' """; drop'
QUOTED = '"' + NASTY.replace('"', '""') + '"'


def migration(up: list[str], down: list[str], *, in_transaction: bool = False, title: str = "x is unused") -> Migration:
    return Migration("unused_index:public.x", title, "0 scans in 40 days.", up, down, in_transaction,
                     ["e4df0ab8c179"], NOW, NOW)  # fmt: skip


@pytest.fixture
def alembic(target_db: Database, tmp_path: Path) -> Iterator[Callable[[Migration], Config]]:
    """A folder of migrations with one in it; `alembic(made)` adds the file of a finding."""
    engine = create_engine(make_url(target_db.url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    config = Config(attributes={"engine": engine})
    config.set_main_option("script_location", str(tmp_path))
    config.set_main_option("path_separator", "os")
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(ENV)
    (tmp_path / "versions" / "first.py").write_text(FIRST)

    def with_file(made: Migration) -> Config:
        (tmp_path / "versions" / made.file_name).write_text(made.text(), encoding="utf-8")
        return config

    yield with_file
    engine.dispose()


def indexes(database: Database) -> set[str]:
    found = database.execute(
        "select indexname from pg_indexes where schemaname = 'public' and tablename <> 'alembic_version'"
    )
    return {name for (name,) in found}


def test_dropping_an_index_and_taking_it_back(alembic: Callable[[Migration], Config], target_db: Database) -> None:
    target_db.execute("create table orders (note text); create index note_idx on orders (note); select")
    back = "CREATE INDEX CONCURRENTLY note_idx ON public.orders USING btree (note)"
    drop = "DROP INDEX CONCURRENTLY IF EXISTS public.note_idx"
    config = alembic(migration([drop], [drop, back]))
    command.upgrade(config, "head")
    assert indexes(target_db) == set()
    command.downgrade(config, "-1")
    assert indexes(target_db) == {"note_idx"}
    command.upgrade(config, "head")
    assert indexes(target_db) == set()


def test_names_that_would_break_out_of_a_statement_or_a_file(
    alembic: Callable[[Migration], Config], target_db: Database
) -> None:
    target_db.execute(f"create table {QUOTED} ({QUOTED} text); select")
    up = f"CREATE INDEX CONCURRENTLY {QUOTED} ON {QUOTED} ({QUOTED}) WHERE {QUOTED} <> '100 % :of\\:it'"
    made = migration([up.replace(f"INDEX CONCURRENTLY {QUOTED}", 'INDEX CONCURRENTLY "the % :index"')],
                     ['DROP INDEX CONCURRENTLY "the % :index"'], title=NASTY + "\n'''\u202e\\")  # fmt: skip
    config = alembic(made)
    command.upgrade(config, "head")
    assert indexes(target_db) == {"the % :index"}
    assert target_db.execute("select pg_get_indexdef('\"the % :index\"'::regclass) like '%%100 %% :of\\\\:it%%'") == [
        (True,)
    ]
    command.downgrade(config, "-1")
    assert indexes(target_db) == set()


def test_a_remedy_in_a_transaction_waits_only_shortly_for_a_lock(
    alembic: Callable[[Migration], Config], target_db: Database
) -> None:
    target_db.execute("create table t (a int check (a > 0)); select")
    config = alembic(migration(["ALTER TABLE t DROP CONSTRAINT t_a_check"], ["ALTER TABLE t ADD CHECK (a > 0)"],
                               in_transaction=True))  # fmt: skip
    command.upgrade(config, "head")
    assert target_db.execute("select count(*) from pg_constraint where conrelid = 't'::regclass") == [(0,)]
    command.downgrade(config, "-1")
    assert "SET LOCAL lock_timeout = '5s'" in migration(["x"], [], in_transaction=True).text()


def test_a_concurrent_file_limits_its_waiting_and_leaves_the_session_as_it_was() -> None:
    text = migration(["DROP INDEX CONCURRENTLY x"], []).text()
    assert "autocommit_block()" in text
    assert text.index("SET lock_timeout = '60s'") < text.index("DROP INDEX") < text.index("RESET lock_timeout")
    both = migration(["DROP INDEX CONCURRENTLY x", "ALTER INDEX i ATTACH PARTITION p"], []).text()
    assert both.index("DROP INDEX") < both.index("SET lock_timeout = '5s'") < both.index("ATTACH PARTITION")


def test_an_interrupted_build_is_begun_again(alembic: Callable[[Migration], Config], target_db: Database) -> None:
    """The index that a broken build left is in the way of the next run, so the file drops it first."""
    target_db.execute("create table t (a int); create index i on t (a); select")
    target_db.execute("update pg_index set indisvalid = false where indexrelid = 'i'::regclass")
    drop = "DROP INDEX CONCURRENTLY IF EXISTS i"
    command.upgrade(alembic(migration([drop, "CREATE INDEX CONCURRENTLY i ON t (a)"], [drop])), "head")
    assert target_db.execute("select indisvalid from pg_index where indexrelid = 'i'::regclass") == [(True,)]


@pytest.mark.parametrize(
    ("heads", "comment"),
    [([], "# Pilothouse does not know your migrations"), (["a", "b"], "# There are 2 heads: a, b.")],
)
def test_without_one_head_the_file_says_what_to_write(heads: list[str], comment: str) -> None:
    made = Migration("k", "t", "w", ["select 1"], [], True, heads, NOW, NOW)
    assert f"{comment}" in made.text()
    assert "down_revision = None" in made.text()


@pytest.mark.parametrize("title", ["", "\x00", "''' \"\"\" \\", "\\", '"', "🐘", "a\nimport os\n"])
def test_any_title_is_only_words_in_the_file(title: str) -> None:
    tree = ast.parse(migration(["select 1"], [], title=title).text())
    kinds = [type(node).__name__ for node in tree.body]
    assert kinds == [
        "Expr",
        "Import",
        "ImportFrom",
        "Assign",
        "Assign",
        "Assign",
        "Assign",
        "FunctionDef",
        "FunctionDef",
    ]


def test_the_name_of_the_file_is_like_those_that_alembic_makes() -> None:
    made = migration(["select 1"], [], title="orders_note_idx is not used, and a very long title goes on")
    assert made.file_name == f"{made.revision}_orders_note_idx_is_not_used_and_a_very_l.py"
    assert len(made.revision) == 12
