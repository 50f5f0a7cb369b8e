"""create-account, key create and audit verify, as an operator runs them beside a server."""

import os
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text

from dashboard.security.audit import record
from dashboard.security.models import Account, AuditEntry
from dashboard.security.tokens import principal_of_key
from dashboard.store import db
from tests.commands import ran

PASSWORD = "violet tram under snow"


@pytest.fixture
def pilothouse(cloned_store: Flask, server, tmp_path: Path):
    name = cloned_store.config["SQLALCHEMY_DATABASE_URI"].split("?")[0].rpartition("/")[2]
    environment = {"PATH": os.environ["PATH"], "PILOTHOUSE_DATA_DIR": str(tmp_path / "data")}
    environment |= {"DATABASE_URL": server.url(name, "pilothouse"), "LOGNAME": "somebody-else"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return ran("dashboard", *words, env=environment)

    return run


def test_an_account_is_made_once_and_the_author_is_the_system_user(pilothouse, cloned_store, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    words = ("create-account", "--email", "ada@example.org", "--role", "viewer", "--password-file", str(file))
    first, second = pilothouse(*words), pilothouse(*words)
    assert (first.returncode, first.stderr) == (0, "")
    assert (second.returncode, second.stderr.count("\n")) == (1, 1)
    assert "already exists" in second.stderr
    with cloned_store.app_context():
        assert db.session.scalars(select(Account.name)).all() == ["ada"]
        assert db.session.scalars(select(AuditEntry.author)).one() in {"cli:root", f"cli:{_user()}"}


def test_a_weak_password_is_refused_in_a_sentence(pilothouse, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("passwordpassword")
    refused = pilothouse("create-account", "--email", "a@b.c", "--role", "viewer", "--password-file", str(file))
    assert refused.returncode == 1
    assert refused.stderr.strip().endswith("Take words that nobody would put together.")
    assert pilothouse("create-account", "--email", "a@b.c", "--role", "owner").returncode == 2


def test_the_key_stands_alone_on_the_last_line(pilothouse, cloned_store: Flask) -> None:
    made = pilothouse("key", "create", "--kind", "read", "--role", "viewer")
    again = pilothouse("key", "create", "--kind", "read", "--role", "viewer")
    assert (made.returncode, again.returncode) == (0, 0)
    with cloned_store.app_context():
        assert principal_of_key(made.stdout.splitlines()[-1]).author == "key:read-viewer"
        assert principal_of_key(again.stdout.splitlines()[-1]).author == "key:read-viewer-2"
    refused = pilothouse("key", "create", "--kind", "flags", "--environment", "nowhere")
    assert (refused.returncode, refused.stderr.strip()) == (1, "There is no environment 'nowhere'.")


def test_verifying_says_where_the_log_is_broken(pilothouse, cloned_store: Flask) -> None:
    with cloned_store.app_context():
        record("flag.toggle", "checkout")
        db.session.commit()
    whole = pilothouse("audit", "verify")
    assert (whole.returncode, whole.stdout.startswith("1 entries, whole.")) == (0, True)
    with cloned_store.app_context():
        db.session.execute(text("alter table audit_entry disable trigger all"))
        db.session.execute(text("update audit_entry set subject = 'other'"))
        db.session.commit()
    broken = pilothouse("audit", "verify")
    assert broken.returncode == 1
    assert "broken at entry 1" in broken.stderr


def _user() -> str:
    return Path(f"/proc/{os.getpid()}").owner()
