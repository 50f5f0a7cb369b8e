"""One session: what it is, what it holds up, and stopping it by hand, with a name on it."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from dashboard.changes.models import Change
from dashboard.security.models import AuditEntry
from dashboard.store import db
from dashboard.targets.models import Environment, Target, TargetLogin
from dashboard.targets.secrets import seal
from tests.activity.conftest import wait_until
from tests.people import SECRET_KEY

PASSWORD = "a steering password"


@pytest.fixture
def roles(target_db: Any) -> Any:
    """(the role that steers, the role of the application)"""
    steers, shops = f"steer_{target_db.name}", f"shop_{target_db.name}"
    target_db.execute(
        f"create role {steers} login password '{PASSWORD}' in role pg_signal_backend, pg_read_all_stats;"
        f"create role {shops} login password '{PASSWORD}'; create table orders (id int); grant all on orders to public"
    )
    yield steers, shops
    target_db.execute(
        f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{steers}';"
        f"drop owned by {steers}, {shops}; drop role {steers}, {shops}"
    )


@pytest.fixture
def steered(app: Flask, target: Target, roles: Any) -> Any:
    with app.app_context():
        login = TargetLogin(target_id=target.id, purpose="steer", username=roles[0])
        db.session.add(login)
        db.session.flush()
        login.sealed_password = seal(PASSWORD, SECRET_KEY, login_id=login.id, purpose="steer")
        db.session.commit()


@pytest.fixture
def holder(connect: Any, roles: Any) -> Any:
    """The application has a table for itself and does nothing."""
    connection = connect("migrate", user=roles[1], password=PASSWORD)
    connection.execute("lock table orders in access exclusive mode")
    return connection


@pytest.fixture
def waiter(holder: Any, connect: Any, roles: Any, waiting: Any) -> Any:
    connection = connect("web", user=roles[1], password=PASSWORD)
    waiting(connection, "select * from orders")
    return connection


def place(browser: Any, connection: Any) -> str:
    rows = browser.get("/t/shop/activity?format=json").json["rows"]
    born = next(row["born"] for row in rows if row["pid"] == connection.info.backend_pid)
    return f"/t/shop/activity/{connection.info.backend_pid}/{born}"


def shown(browser: Any, url: str) -> str:
    answer = browser.get(url)
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def audited(store: Session) -> list[tuple[Any, ...]]:
    found = select(AuditEntry).where(AuditEntry.action.like("session.%")).order_by(AuditEntry.seq)
    return [(one.action, one.before, one.after, one.reason) for one in store.scalars(found)]


@pytest.mark.usefixtures("steered")
def test_a_blocker_is_ended_and_who_did_it_and_why_is_kept(as_operator, store, holder, waiter):
    page = shown(as_operator, place(as_operator, holder))
    assert "Held up by it" in page
    assert str(waiter.info.backend_pid) in page
    answer = as_operator.post(f"{place(as_operator, holder)}/terminate", data={"reason": "it holds the shop up"})
    assert answer.status_code == 303
    assert "It was stopped." in shown(as_operator, answer.headers["Location"])
    (asked, done) = audited(store)
    assert (asked[0], asked[3], asked[2]) == ("session.terminate", "it holds the shop up", {"result": "requested"})
    assert (asked[1]["application"], asked[1]["held_up"]) == ("migrate", 1)
    assert done[2] == {"result": "stopped", "was_sent": True}
    change = store.scalars(select(Change).where(Change.kind == "session")).one()
    assert change.title == f"The session of migrate (process {holder.info.backend_pid}) was ended"
    assert change.detail["reason"] == "it holds the shop up"


@pytest.mark.usefixtures("steered")
def test_a_statement_is_cancelled(as_operator, store, waiter, target_db):
    url = place(as_operator, waiter)
    born = shown(as_operator, url).split('name="query_born" value="')[1].split('"')[0]
    assert as_operator.post(f"{url}/cancel", data={"query_born": born}).status_code == 303
    state = "select state from pg_stat_activity where pid = %s"
    wait_until(lambda: target_db.execute(state, [waiter.info.backend_pid])[0][0].startswith("idle in transaction"))
    assert [entry[2]["result"] for entry in audited(store)] == ["requested", "stopped"]


@pytest.mark.usefixtures("steered")
def test_the_second_click_is_told_that_it_is_gone(as_operator, store, holder):
    url = f"{place(as_operator, holder)}/terminate"
    assert as_operator.post(url).status_code == 303
    second = as_operator.post(url)
    assert (second.status_code, len(audited(store))) == (409, 2)
    assert "already ended; nothing was sent" in second.get_data(as_text=True)


@pytest.mark.usefixtures("steered")
def test_production_asks_why_and_for_the_number(as_operator, store, holder):
    store.execute(Environment.__table__.update().values(is_production=True))
    url = f"{place(as_operator, holder)}/terminate"
    pid = str(holder.info.backend_pid)
    for sent, fields in (
        ({}, {"reason", "typed_pid"}),
        ({"reason": "x"}, {"typed_pid"}),
        ({"typed_pid": pid}, {"reason"}),
    ):
        answer = as_operator.post(url, data=sent, headers={"Accept": "application/json"})
        assert (answer.status_code, set(answer.json["error"]["fields"])) == (422, fields)
        assert as_operator.post(url, data=sent).status_code == 422
    assert audited(store) == []
    assert as_operator.post(url, data={"reason": "x", "typed_pid": pid}).status_code == 303


@pytest.mark.usefixtures("steered")
def test_a_superusers_session_is_shown_disabled_and_refused(as_operator, connect):
    session = connect("root")
    session.execute("select 1")
    url = place(as_operator, session)
    assert "belongs to a superuser" in shown(as_operator, url)
    assert as_operator.post(f"{url}/terminate").status_code == 403


@pytest.mark.usefixtures("steered")
def test_nothing_runs_so_nothing_is_cancelled(as_operator, holder):
    url = place(as_operator, holder)
    assert "freed only by ending the session" in shown(as_operator, url)
    assert as_operator.post(f"{url}/cancel").status_code == 403


@pytest.mark.usefixtures("steered")
@pytest.mark.parametrize("missing", ["pg_signal_backend", "pg_read_all_stats"])
def test_a_missing_right_is_the_grant_to_ask_for(as_operator, target_db, roles, holder, missing):
    target_db.execute(f"revoke {missing} from {roles[0]}")
    url = place(as_operator, holder)
    assert f"GRANT {missing} TO &#34;{roles[0]}&#34;;" in shown(as_operator, url).replace("</span>", "").replace(
        '<span class="tok-keyword">', ""
    ).replace('<span class="tok-name">', "").replace('<span class="tok-string">', "")
    assert as_operator.post(f"{url}/terminate").status_code == 503


@pytest.mark.usefixtures("target")
def test_without_a_steering_role_the_page_says_how_to_add_one(as_operator, holder):
    url = place(as_operator, holder)
    assert "Stopping sessions is not set up for this target" in shown(as_operator, url)
    assert as_operator.post(f"{url}/terminate").status_code == 503


@pytest.mark.usefixtures("steered")
def test_a_viewer_sees_it_and_stops_nothing(as_viewer, client, holder):
    url = place(as_viewer, holder)
    assert "This takes the role “operator”" in shown(as_viewer, url)
    assert as_viewer.post(f"{url}/terminate").status_code == 403
    assert client.post(f"{url}/terminate").status_code in {302, 303, 401}
    assert as_viewer.get(f"{url}/terminate").status_code == 405


@pytest.mark.usefixtures("target")
def test_a_session_that_ended_is_a_page_too(as_viewer):
    assert "This session has ended" in shown(as_viewer, "/t/shop/activity/1/1")
    assert as_viewer.get("/t/nothing/activity/1/1").status_code == 404
    assert as_viewer.get("/t/shop/activity/1/x").status_code == 404


@pytest.mark.usefixtures("steered")
def test_a_statement_that_carries_markup_is_text(as_operator, connect, roles):
    session = connect("<b>x", user=roles[1], password=PASSWORD)
    session.execute("select '<script>alert(1)</script>'")
    page = shown(as_operator, place(as_operator, session))
    assert "<script>alert" not in page
    assert "<b>x" not in page
