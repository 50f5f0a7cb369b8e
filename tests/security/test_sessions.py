"""Sessions: how long they live, who ends them, what a store that is down does to them."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from dashboard.security import sessions, throttle
from dashboard.security.models import Account, AuditEntry, BrowserSession, FailedSignIn


def age(store: Session, **columns: timedelta) -> None:
    """Make every session look as if it began or was seen earlier."""
    store.execute(update(BrowserSession).values({name: func.now() - span for name, span in columns.items()}))


def is_signed_in(browser) -> bool:
    return browser.get("/settings/account").status_code == 200


@pytest.mark.parametrize(
    ("columns", "lives"),
    [
        ({"seen_at": timedelta(hours=7, minutes=59)}, True),
        ({"seen_at": timedelta(hours=8, minutes=1)}, False),
        ({"created_at": timedelta(days=6, hours=23)}, True),
        ({"created_at": timedelta(days=7, minutes=1)}, False),
    ],
)
def test_a_session_ends_when_it_idled_or_lived_too_long(as_viewer, store: Session, columns, lives) -> None:
    assert is_signed_in(as_viewer)
    age(store, **columns)
    assert is_signed_in(as_viewer) is lives


def test_being_seen_is_written_once_a_minute_only(as_viewer, app: Flask, store: Session, queries) -> None:
    with queries(app) as seen:
        is_signed_in(as_viewer)
    assert not [one for one in seen if one.startswith("UPDATE")]
    age(store, seen_at=timedelta(minutes=2))
    is_signed_in(as_viewer)
    store.expire_all()
    assert store.scalar(select(func.now() - BrowserSession.seen_at)) < timedelta(minutes=1)


def test_the_session_of_a_disabled_account_is_void(as_viewer, store: Session) -> None:
    store.execute(update(Account).values(active=False))
    assert not is_signed_in(as_viewer)


def test_static_files_and_health_ask_the_store_nothing(as_viewer, app: Flask, queries) -> None:
    with queries(app) as seen:
        assert as_viewer.get("/healthz").status_code == 200
        with as_viewer.get("/static/icons.svg") as answer:
            assert answer.status_code == 200
    assert seen == []


def test_a_stranger_leaves_no_session_behind_until_something_is_stored(app: Flask, store: Session) -> None:
    app.test_client().get("/healthz")
    app.test_client().get("/audit")
    assert store.scalar(select(func.count()).select_from(BrowserSession)) == 0
    app.test_client().get("/login")
    assert store.scalar(select(func.count()).select_from(BrowserSession)) == 1


def test_purging_forgets_what_ended(as_viewer, client, app: Flask, store: Session) -> None:
    store.add(FailedSignIn(subject_hash=b"x", at=datetime.now(UTC) - timedelta(hours=1)))
    store.commit()
    with app.app_context():
        assert sessions.purge(datetime.now(UTC)) == 0
        assert sessions.purge(datetime.now(UTC) + timedelta(minutes=61)) == 1
        assert sessions.purge(datetime.now(UTC) + timedelta(hours=9)) == 1
        assert throttle.purge(datetime.now(UTC)) == 1


def test_one_sees_and_ends_ones_own_sessions_only(as_viewer, as_admin, store: Session) -> None:
    rows = as_viewer.get("/settings/sessions?format=json").json["rows"]
    assert [row["this"] for row in rows] == [True]
    theirs = as_admin.get("/settings/sessions?format=json").json["rows"][0]["id"]
    assert as_viewer.post(f"/settings/sessions/{theirs}/end").status_code == 404
    assert as_viewer.post(f"/settings/sessions/{rows[0]['id']}/end").status_code == 303
    assert not is_signed_in(as_viewer)
    assert is_signed_in(as_admin)


def test_ending_the_others_keeps_this_one_and_is_recorded(as_viewer, store: Session) -> None:
    mine = store.scalars(select(BrowserSession)).one()
    store.add(BrowserSession(id_hash=b"1", account_id=mine.account_id, content={}, address="", user_agent=""))
    assert as_viewer.fragment.post("/settings/sessions/end-others").headers["HX-Redirect"] == "/settings/sessions"
    assert store.scalars(select(BrowserSession.id)).all() == [mine.id]
    assert store.scalars(select(AuditEntry.after)).all() == [{"sessions_ended": 1}]


def test_what_a_view_left_uncommitted_does_not_slip_through_with_the_session(as_viewer, app: Flask, store) -> None:
    age(store, seen_at=timedelta(minutes=2))
    store.commit()
    with app.test_request_context("/", headers={"Cookie": f"pilothouse={as_viewer.get_cookie('pilothouse').value}"}):
        sessions.this_session().load()
        sessions.db.session.execute(update(Account).values(name="changed"))
        app.process_response(app.response_class())
    assert "changed" not in store.scalars(select(Account.name)).all()


def test_when_the_store_is_down_pages_say_so_and_sign_in_explains(cloned_store: Flask, sign_in, server) -> None:
    browser = sign_in(cloned_store, "viewer")
    name = cloned_store.config["SQLALCHEMY_DATABASE_URI"].split("?")[0].rpartition("/")[2]
    with server.connect() as connection:
        connection.execute(f'alter database "{name}" allow_connections false'.encode())
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
    assert browser.get("/healthz").status_code == 200
    refused = browser.get("/settings/account")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "Applications keep getting the flags that they had" in refused.text
    page = browser.get("/login")
    assert page.status_code == 200
    assert "does not answer" in page.text
    assert browser.post("/login", data={"email": "a@b", "password": "c"}).status_code == 503
