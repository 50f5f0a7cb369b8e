"""Targets on the command line and in the TOML file."""

import functools
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.errors import PilothouseError
from dashboard.security.models import AuditEntry
from dashboard.store import db
from dashboard.targets.commands import commands
from dashboard.targets.connect import address_of
from dashboard.targets.declared import apply_file
from dashboard.targets.models import Target
from dashboard.targets.queries import target_by_slug

COMMANDS = {command.name: command for command in commands}


def invoke(app: Flask, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout, and the sentence that refused it."""
    result = app.test_cli_runner().invoke(COMMANDS[words[0]], words[1:])
    refused = result.exception.sentence if isinstance(result.exception, PilothouseError) else ""
    if result.exception and not refused and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output, refused


@pytest.fixture
def run(watched):
    return functools.partial(invoke, watched.app)


def test_a_target_is_added_with_all_its_roles(run, tmp_path):
    for name in ("watch", "explain", "steer"):
        (tmp_path / name).write_text(f"{name}'s password\nsecond line\n")
    (tmp_path / "versions").mkdir()
    code, output, _ = run(
        "target", "add", "ledger", "--name", "Ledger", "--environment", "production", "--host", "localhost",
        "--port", "5433", "--dbname", "ledger", "--user", "w", "--password-file", str(tmp_path / "watch"),
        "--sslmode", "require", "--migrations", str(tmp_path), "--explain-user", "e", "--explain-password-file",
        str(tmp_path / "explain"), "--steer-user", "s", "--steer-password-file", str(tmp_path / "steer"),
    )  # fmt: skip
    target = target_by_slug("ledger")
    assert (code, output) == (0, "ledger is watched from now on.\n")
    assert (target.environment.slug, target.port, target.sslmode) == ("production", 5433, "require")
    assert target.migrations_dir == str(tmp_path)
    passwords = {purpose: address_of(target, purpose).password for purpose in ("watch", "explain", "steer")}
    assert passwords == {name: f"{name}'s password" for name in ("watch", "explain", "steer")}


def test_a_taken_slug_already_exists(run):
    code, _, refused = run("target", "add", "shop", "--dbname", "d", "--user", "u")
    assert (code, refused) == (1, "A target called shop already exists.")


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (("--host", "a,b"), "--host: The host is one name or one IP address."),
        (("--environment", "moon"), "--environment: There is no environment moon"),
        (("--host", "db.example.org", "--sslmode", "disable"), "--sslmode: Without TLS only"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_option(words, refused, run):
    code, _, sentence = run("target", "add", "x", "--dbname", "d", "--user", "u", *words)
    assert code == 1
    assert sentence.startswith(refused)


@pytest.mark.parametrize(
    "host",
    ["10.1.2.3", "::ffff:10.1.2.3", "169.254.169.254", "::ffff:169.254.169.254", "0.0.0.0"],  # noqa: S104
)
def test_an_address_outside_our_networks_is_refused_at_once(host, run):
    code, _, sentence = run("target", "add", "x", "--dbname", "d", "--user", "u", "--host", host)
    assert code == 1
    assert sentence.startswith("--host: ")
    assert "PILOTHOUSE_TARGET_NETWORKS" in sentence
    assert db.session.scalars(select(Target.slug)).all() == ["shop"]


def test_an_address_outside_our_networks_is_refused_in_the_file(watched, tmp_path):
    path = tmp_path / "targets.toml"
    path.write_text('[targets.far]\nhost = "10.1.2.3"\ndbname = "d"\nuser = "u"\n')
    with pytest.raises(PilothouseError, match=r"\[targets.far\] host: The address .* PILOTHOUSE_TARGET_NETWORKS"):
        apply_file(path)


def test_wrong_usage_is_2(run):
    assert run("target", "add", "x")[0] == 2
    assert run("target", "add", "x", "--dbname", "d", "--user", "u", "--port", "0")[0] == 2
    assert run("collect")[0] == 2


def test_a_folder_without_versions_is_refused(run, tmp_path):
    code, _, refused = run("target", "add", "x", "--dbname", "d", "--user", "u", "--migrations", str(tmp_path))
    assert (code, refused) == (1, "--migrations: The folder neither holds versions/ nor is it.")


def test_targets_are_listed_and_removed(run, watched):
    assert run("target", "list")[1].split()[:3] == ["shop", "development", "new"]
    assert run("target", "remove", "shop", "--yes")[0] == 0
    assert run("target", "list")[1] == ""
    assert run("target", "remove", "shop", "--yes")[2] == "There is no target of this name."
    authors = db.session.scalars(select(AuditEntry.author).where(AuditEntry.action == "target.remove")).all()
    assert [author.partition(":")[0] for author in authors] == ["cli"]


def test_check_says_what_works(run):
    code, output, _ = run("target", "check", "shop")
    assert code == 0
    assert "ok        Slow queries: All statements are visible." in output


def test_an_unreachable_target_is_one_sentence(collected):
    collected.target.host, collected.target.port = "127.0.0.1", 1
    db.session.commit()
    for words in (("target", "check", "shop"), ("collect", "shop")):
        assert invoke(collected.app, *words)[::2] == (1, "shop: No PostgreSQL server answers at this address.")


def test_collect_stores_everything_in_the_foreground(collected):
    run = functools.partial(invoke, collected.app)
    collected.database.execute("drop extension pg_stat_statements")
    code, output, _ = run("collect", "shop")
    assert code == 0
    assert "tables: stored" in output
    assert "statements: not available: The extension pg_stat_statements is not installed" in output
    assert run("collect", "nobody")[2] == "There is no target of this name."


TOML = """
[targets.ledger]
name = "Ledger"
environment = "staging"
host = "localhost"
dbname = "ledger"
user = "dash_ro"
password_file = "secret"
"""


def test_the_file_adds_changes_and_repeats(watched, tmp_path: Path):
    (tmp_path / "secret").write_text("first")
    (tmp_path / "targets.toml").write_text(TOML)
    assert apply_file(tmp_path / "targets.toml") == ["ledger"]
    assert apply_file(tmp_path / "targets.toml") == []
    (tmp_path / "secret").write_text("second")
    assert apply_file(tmp_path / "targets.toml") == ["ledger"]
    target = target_by_slug("ledger")
    assert (target.origin, target.version, address_of(target).password) == ("file", 2, "second")
    titles = db.session.scalars(select(Change.title).where(Change.subject == "ledger").order_by(Change.id)).all()
    assert titles == ["Ledger was added", "Ledger was changed"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("targets = [", "cannot be read as TOML"),
        ("[targets.x]\nsize = 1", "has the unknown word size"),
        ("[targets.x]\nuser = 'u'", "dbname: 1 to 63 bytes"),
        ("[targets.x]\ndbname='d'\nuser='u'\npassword_file='none'", "cannot be read"),
        ("[targets.shop]\ndbname='d'\nuser='u'", "already exists and is not from this file"),
        ("targets = 3", "are written as"),
    ],
)
def test_a_wrong_file_is_one_sentence_and_changes_nothing(text, sentence, watched, tmp_path: Path):
    (tmp_path / "targets.toml").write_text(text)
    with pytest.raises(PilothouseError, match=sentence):
        apply_file(tmp_path / "targets.toml")
    db.session.rollback()
    assert db.session.scalars(select(Target.slug)).all() == ["shop"]
