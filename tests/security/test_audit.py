"""The audit log: whole, append-only, without secrets, readable."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from dashboard.security.audit import record, verify
from dashboard.security.models import AuditEntry, AuditHead
from dashboard.security.rules import changed_secrets, difference, redacted
from dashboard.store import db


def fill(app: Flask, entries: int = 5) -> None:
    with app.app_context():
        for number in range(entries):
            record(
                "flag.toggle", f"flag-{number}", before={"on": False, "share": 0.1}, after={"on": True, "share": 1e20}
            )
        db.session.commit()


def meddle(app: Flask, statement: str) -> int | None:
    """Do what only an owner of the store can: switch the triggers off. Then verify."""
    with app.app_context():
        db.session.execute(text("alter table audit_entry disable trigger all"))
        db.session.execute(text("alter table audit_head disable trigger all"))
        db.session.execute(text(statement))
        db.session.commit()
        return verify()


def test_an_untouched_chain_is_whole(app: Flask) -> None:
    fill(app)
    with app.app_context():
        assert verify() is None


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("update audit_entry set after = '{\"on\": false}' where seq = 3", 3),
        ("update audit_entry set at = at + interval '1 microsecond' where seq = 2", 2),
        ("update audit_entry set author = 'somebody else' where seq = 1", 1),
        ("delete from audit_entry where seq = 2", 2),
        ("delete from audit_entry where seq = 5", 5),
        ("delete from audit_entry", 1),
        ("delete from audit_head", 6),
    ],
)
def test_an_edited_or_missing_entry_is_found(app: Flask, statement, broken_at) -> None:
    fill(app)
    assert meddle(app, statement) == broken_at


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entry set reason = 'x' where seq = 1",
        "delete from audit_entry where seq = 1",
        "truncate audit_entry",
        "update audit_head set seq = 0, hash = ''",
        "delete from audit_head",
        "truncate audit_head",
    ],
)
def test_the_store_refuses_to_change_the_past(app: Flask, statement) -> None:
    fill(app, 2)
    with app.app_context():
        with pytest.raises(DBAPIError, match=r"append-only|only grows"):
            db.session.execute(text(statement))
        db.session.rollback()
        assert verify() is None


def test_an_entry_goes_with_its_change_or_not_at_all(app: Flask, store: Session) -> None:
    with app.app_context():
        record("flag.toggle", "kept")
        db.session.commit()
        record("flag.toggle", "taken back")
        db.session.rollback()
    assert store.scalars(select(AuditEntry.subject)).all() == ["kept"]
    assert store.scalars(select(AuditHead.seq)).one() == 1


def test_a_command_is_written_down_with_its_system_user(app: Flask, store: Session) -> None:
    fill(app, 1)
    entry = store.scalars(select(AuditEntry)).one()
    assert entry.author.startswith("cli:")
    assert (entry.address, entry.request_id) == ("local", "-")


def test_secrets_are_left_out_at_any_depth() -> None:
    kept = redacted({"password": "x", "nested": [{"api_key": "y", "key": "flag"}], "token": None, "browser": True})
    assert kept == {"password": "•••", "nested": [{"api_key": "•••", "key": "flag"}], "token": None, "browser": True}


def test_another_secret_still_reads_as_changed() -> None:
    old, new = changed_secrets({"password": "x", "token": "same"}, {"password": "y", "token": "same"})
    assert difference(old, new) == [("password", "•••", "••• (another one)")]
    assert changed_secrets(None, {"password": "x"}) == (None, {"password": "•••"})


def test_what_json_cannot_hold_is_made_to_fit() -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    kept = redacted({"a": "x\x00y", "b": 2.0, "c": float("nan"), "d": at, "e": {"f": (1, "\ud800")}})
    assert kept == {"a": "x�y", "b": 2, "c": "nan", "d": at.isoformat(), "e": {"f": [1, "?"]}}


def test_the_difference_names_only_what_changed() -> None:
    assert difference({"a": 1, "b": 2, "c": "x"}, {"a": 1, "b": [3], "d": True}) == [
        ("b", "2", "[3]"),
        ("c", "x", None),
        ("d", None, "true"),
    ]
    assert difference(None, {"a": "new"}) == [("a", None, "new")]


def test_the_list_searches_filters_and_sorts(as_viewer, app: Flask) -> None:
    fill(app, 3)
    rows = as_viewer.get("/audit?format=json&q=flag-1").json["rows"]
    assert [(row["seq"], row["action"], row["before"]) for row in rows] == [
        (2, "flag.toggle", {"on": False, "share": 0.1})
    ]
    assert as_viewer.get("/audit?format=json&action=no").json["total"] == 0
    assert [row["seq"] for row in as_viewer.get("/audit?format=json&sort=seq&dir=asc").json["rows"]] == [1, 2, 3]
    assert as_viewer.get("/audit?format=csv").text.splitlines()[0].startswith("seq,at,author,action,subject")
    assert as_viewer.get("/audit?sort=hash").status_code == 422


def test_hostile_words_show_as_text(as_viewer, app: Flask) -> None:
    hostile = "<img src=x onerror=alert(1)>'\"\u202e"
    with app.app_context():
        record(hostile, hostile, before={hostile: hostile}, after={hostile: 1}, reason=hostile, author=hostile)
        db.session.commit()
    for headers in ({}, {"HX-Request-Type": "partial"}):
        page = as_viewer.get("/audit", headers=headers).text
        assert "<img" not in page
        assert "&lt;img src=x onerror=alert(1)&gt;" in page
