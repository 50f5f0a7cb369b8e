"""The pages of alerts: rules, silences and channels are read, changed and audited by those who may."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dashboard.alerts.collect import check
from dashboard.alerts.models import Alert, AlertChannel, AlertSetting, AlertSilence
from dashboard.security.models import AuditEntry
from dashboard.targets.models import Target
from tests.alerts.conftest import Listener

NOW = datetime.now(UTC)
CHANNEL = {"name": "On-call", "kind": "webhook", "level": "warning", "is_on": "on", "environment": ""}
RULE = {"threshold": "70", "for_s": "60", "level": "warning", "is_on": "on"}
SECRET = "the secret of this webhook"


@pytest.fixture
def alert(app: Flask, store: Session, target: Target) -> Alert:
    row = store.get_one(Target, target.id)
    row.state, row.unreachable_since, row.unreachable_reason = "unreachable", NOW - timedelta(minutes=10), "Refused."
    store.commit()
    with app.app_context():
        check(NOW)
    return store.scalars(select(Alert)).one()


def add(browser: Any, listener: Listener, **changed: str) -> Any:
    return browser.post(
        "/alerts/channels", data=CHANNEL | {"address": listener.url("/t0ken"), "secret": SECRET} | changed
    )


def audited(store: Session, action: str) -> AuditEntry:
    return store.scalars(select(AuditEntry).where(AuditEntry.action == action)).one()


def test_an_alert_has_a_page_that_says_what_to_do_and_who_was_told(as_viewer: Any, alert: Alert) -> None:
    for text in (as_viewer.get(f"/alerts/{alert.id}").text, as_viewer.fragment.get(f"/alerts/{alert.id}").text):
        assert "Refused. Check the server and its address" in text
        assert "Nobody was told" in text
    assert as_viewer.get("/alerts/999999").status_code == 404


def test_a_silenced_alert_is_shown_but_not_counted(as_operator: Any, store: Session, alert: Alert) -> None:
    assert "1 firing" in as_operator.get("/alerts").text
    answer = as_operator.post(f"/alerts/{alert.id}/silence", data={"reason": "moving it", "lasts": "4h"})
    assert answer.status_code == 303
    text = as_operator.get("/alerts").text
    assert "silenced" in text
    assert "1 firing" not in text
    assert audited(store, "alert.silence").reason == "moving it"
    assert "moving it" in as_operator.get("/alerts/silences").text
    assert "Silenced: moving it" in as_operator.get(f"/alerts/{alert.id}").text


def test_an_alert_tells_only_the_silences_that_cover_it(as_operator: Any, alert: Alert) -> None:
    for narrower in ({"rule": alert.rule}, {"environment": "development"}, {"rule": "connections"}):
        as_operator.post("/alerts/silences", data={"reason": f"for {narrower}", "lasts": "4h"} | narrower)
    text = as_operator.get(f"/alerts/{alert.id}").text
    assert (text.count("Silenced: "), "connections" in text) == (2, False)


def test_a_silence_needs_a_reason_an_end_and_a_limit(as_operator: Any, alert: Alert) -> None:
    for path, sent, field in (
        (f"/alerts/{alert.id}/silence", {"lasts": "4h"}, "reason"),
        (f"/alerts/{alert.id}/silence", {"reason": "why", "lasts": "for ever"}, "lasts"),
        ("/alerts/silences", {"reason": "why", "lasts": "4h"}, "rule"),
    ):
        answer = as_operator.post(path, data=sent, headers={"Accept": "application/json"})
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [field])


def test_a_silence_ends_when_somebody_says_so_and_only_once(as_operator: Any, store: Session, target: Target) -> None:
    as_operator.post("/alerts/silences", data={"reason": "why", "lasts": "4h", "target": target.slug})
    silence = store.scalars(select(AlertSilence)).one()
    assert as_operator.post(f"/alerts/silences/{silence.id}/end").status_code == 303
    assert as_operator.post(f"/alerts/silences/{silence.id}/end").status_code == 404


def test_a_rule_is_judged_otherwise_in_one_environment(as_admin: Any, store: Session, target: Target) -> None:
    assert as_admin.post("/alerts/rules/connections/development", data=RULE).status_code == 303
    own = store.scalars(select(AlertSetting)).one()
    assert (own.threshold, own.for_s, own.level) == (pytest.approx(0.7), 60, "warning")
    assert "changed here" in as_admin.get("/alerts/rules?environment=development").text
    assert audited(store, "alert_rule.change").after["threshold"] == str(own.threshold)
    as_admin.post("/alerts/rules/connections/development/reset")
    assert store.scalar(select(func.count()).select_from(AlertSetting)) == 0


def test_a_rule_shows_its_form_in_the_units_of_people(as_admin: Any, target: Target) -> None:
    text = as_admin.get("/alerts/rules/database_growth/development").text
    assert 'value="20"' in text
    assert 'value="1024"' in text
    refused = as_admin.post("/alerts/rules/connections/development", data=RULE | {"threshold": "a lot"})
    assert refused.status_code == 422
    assert as_admin.get("/alerts/rules/unheard_of/development").status_code == 404


def test_a_channel_never_shows_its_address_or_secret_again(
    as_admin: Any, store: Session, target: Target, listener: Listener
) -> None:
    assert add(as_admin, listener).status_code == 303
    channel = store.scalars(select(AlertChannel)).one()
    text = as_admin.get("/alerts/channels").text + as_admin.get(f"/alerts/channels/{channel.id}").text
    assert "http://127.0.0.1/…" in text
    for hidden in ("t0ken", SECRET):
        assert hidden not in text
        assert hidden not in str(audited(store, "alert_channel.add").after)
        assert hidden.encode() not in (channel.sealed_address or b"")


def test_a_channel_keeps_its_address_when_only_its_name_changes(
    as_admin: Any, store: Session, target: Target, listener: Listener
) -> None:
    add(as_admin, listener)
    channel_id = store.scalars(select(AlertChannel.id)).one()
    changed = CHANNEL | {"name": "Nights", "version": "1"}
    assert as_admin.post(f"/alerts/channels/{channel_id}", data=changed).status_code == 303
    assert as_admin.post(f"/alerts/channels/{channel_id}", data=changed).status_code == 409
    assert "went out" in as_admin.post(f"/alerts/channels/{channel_id}/test").text
    assert [path for path, _, _ in listener.posts] == ["/t0ken"]


def test_a_test_that_fails_says_why(as_admin: Any, store: Session, target: Target, listener: Listener) -> None:
    add(as_admin, listener)
    listener.status = 500
    channel_id = store.scalars(select(AlertChannel.id)).one()
    assert "The webhook answered 500." in as_admin.post(f"/alerts/channels/{channel_id}/test").text
    assert as_admin.post(f"/alerts/channels/{channel_id}/remove").status_code == 303
    assert as_admin.post(f"/alerts/channels/{channel_id}/remove").status_code == 404


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"address": "file:///etc/passwd"}, "address"),
        ({"address": "https://user:password@example.com/"}, "address"),
        ({"kind": "email", "address": "nobody"}, "address"),
        ({"kind": "apprise", "address": "json://127.0.0.1/"}, "address"),
        ({"kind": "apprise", "address": "unheardof://x"}, "address"),
        ({"address": ""}, "address"),
        ({"kind": "pigeon"}, "kind"),
        ({"name": ""}, "name"),
        ({"level": "panic"}, "level"),
    ],
)
def test_what_cannot_be_a_channel_is_refused_by_name(
    as_admin: Any, target: Target, listener: Listener, changed: dict[str, str], field: str
) -> None:
    answer = add(as_admin, listener, **changed)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text


@pytest.mark.parametrize("path", ["/alerts/channels", "/alerts/rules/connections/development"])
def test_only_admins_change_who_is_told_and_when(as_operator: Any, target: Target, path: str) -> None:
    assert as_operator.get(path).status_code == 403
    assert as_operator.post(path, data={}).status_code == 403


def test_viewers_do_not_silence(as_viewer: Any, alert: Alert) -> None:
    sent = {"reason": "why", "lasts": "4h"}
    assert as_viewer.post(f"/alerts/{alert.id}/silence", data=sent).status_code == 403
    assert as_viewer.post("/alerts/silences", data=sent | {"rule": "connections"}).status_code == 403


def test_the_list_costs_the_same_questions_however_long_it_is(
    app: Flask, as_viewer: Any, alert: Alert, queries: Callable[[Flask], AbstractContextManager[list[str]]]
) -> None:
    with queries(app) as seen:
        as_viewer.get("/alerts?format=json")
    assert len([text for text in seen if "FROM alert" in text]) == 2
