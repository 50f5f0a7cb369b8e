"""Exit 0: done; 1: refused with one sentence on stderr; 2: wrong usage or settings."""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.engine import make_url

from dashboard.commands import main
from tests.commands import ROOT, ran


@pytest.fixture(scope="module")
def environment(server, store_template):
    """What a command needs beside a running server: the store's address, and a data folder of its own."""
    with server.connect() as connection:
        connection.execute(f"create database commands template {store_template} owner pilothouse")
    with tempfile.TemporaryDirectory() as folder:
        yield {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": server.url("commands", "pilothouse").replace("+psycopg", ""),
            "PILOTHOUSE_DATA_DIR": f"{folder}/data",
            "PILOTHOUSE_STORE_CONNECT_S": "2",
            "PILOTHOUSE_STORE_ATTEMPTS": "1",
        }


def pilothouse(environment, *arguments, **extra):
    return ran("dashboard", *arguments, env=environment | extra)


def flask(environment, *arguments):
    return ran("flask", "--app", "wsgi", "db", *arguments, env=environment)


def test_every_command_of_the_contract_is_there():
    shown = {name for name, command in main.commands.items() if not command.hidden}
    assert shown == {
        "up", "web", "worker", "events", "collect", "create-account", "target", "flags", "key", "audit", "doctor",
    }  # fmt: skip
    assert {"add", "list", "check", "remove"} <= main.commands["target"].commands.keys()


def test_every_command_says_what_it_is_for():
    commands = [*main.commands.values()]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        assert command.help


def test_an_unknown_command_is_wrong_usage(environment):
    """Started as an operator does; the others are forked from what is imported already."""
    command = [sys.executable, "-m", "dashboard", "fly"]
    assert subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False).returncode == 2


def test_wrong_settings_are_told_at_once_without_a_traceback(environment):
    done = pilothouse(environment, "doctor", PORT="none", SECRET_KEY="canary")
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stderr.splitlines()] == ["SECRET_KEY", "PORT"]
    assert "canary" not in done.stderr


def test_what_is_not_there_is_refused_with_one_sentence(environment):
    done = pilothouse(environment, "collect", "no-such-target")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_store_that_does_not_answer_is_one_sentence(environment):
    done = pilothouse(environment, "target", "list", DATABASE_URL="postgresql://me:canary@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The store does not answer")
    assert "canary" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"password": "canary"}, "The store refused the sign-in"),
        ({"database": "canary"}, "The store's server has no database of the name in DATABASE_URL"),
        ({"query": {"sslmode": "canary"}}, "DATABASE_URL cannot be used"),
        ({"query": {"canary": "1"}}, "DATABASE_URL cannot be used"),
    ],
)
def test_a_store_that_no_wait_opens_is_told_at_once(wrong, sentence, environment):
    url = make_url(environment["DATABASE_URL"])
    url = url.set(**wrong | {"query": {**url.query, **wrong.get("query", {})}}).render_as_string(hide_password=False)
    patient = {"DATABASE_URL": url, "PILOTHOUSE_STORE_CONNECT_S": "30", "PILOTHOUSE_STORE_ATTEMPTS": "3"}
    started = time.monotonic()
    done = pilothouse(environment, "target", "list", **patient)
    assert time.monotonic() - started < 20
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert done.stderr.startswith(sentence)
    assert "canary" not in done.stdout + done.stderr


def test_a_store_address_that_cannot_be_read_is_wrong_settings(environment):
    done = pilothouse(environment, "target", "list", DATABASE_URL="postgresql://me:pass@127.0.0.1:canary/none")
    assert (done.returncode, done.stderr) == (2, "DATABASE_URL is not a database URL\n")


def test_an_account_made_by_command_is_listed_in_the_audit(environment, tmp_path):
    (tmp_path / "password").write_text("a whole sentence as a password\n")
    options = ["--email", "ada@example.com", "--role", "operator", "--password-file", str(tmp_path / "password")]
    assert pilothouse(environment, "create-account", *options).returncode == 0
    again = pilothouse(environment, "create-account", *options)
    assert (again.returncode, "already exists" in again.stderr) == (1, True)
    assert pilothouse(environment, "audit", "verify").returncode == 0


def test_the_key_is_alone_on_the_last_line(environment):
    done = pilothouse(environment, "key", "create", "--kind", "read", "--role", "viewer")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()[-1].split()) == 1


def test_flask_db_check_finds_no_difference_between_models_and_migrations(environment):
    assert flask(environment, "upgrade").returncode == 0
    done = flask(environment, "check")
    assert done.returncode == 0, done.stderr


def test_two_upgrades_at_once_are_safe(server, environment):
    server.ensure_database("upgraded_twice", "pilothouse")
    fresh = environment | {"DATABASE_URL": server.url("upgraded_twice", "pilothouse")}
    with ThreadPoolExecutor() as pool:
        both = [pool.submit(flask, fresh, "upgrade") for _ in range(2)]
    assert [done.result().returncode for done in both] == [0, 0]


def test_doctor_says_what_is_wrong_and_exits_1(environment):
    done = pilothouse(environment, "doctor")
    assert done.returncode == 1
    assert "PROBLEM  No worker has been alive in the last minute" in done.stdout
