"""The pages of targets and environments: who may, what is recorded, and what is refused how."""

import pytest
from sqlalchemy import select

from dashboard.changes.models import Change
from dashboard.security.models import AuditEntry
from dashboard.targets.models import Environment, Target, TargetLogin

FORM = {
    "slug": "ledger",
    "name": "Ledger",
    "environment": "staging",
    "host": "127.0.0.1",
    "port": "5432",
    "dbname": "ledger",
    "user": "dash_ro",
    "password": "a watching password",
}
PAGES = ("/settings/targets", "/settings/targets/shop", "/settings/environments")
ADMIN_PAGES = ("/settings/targets/new", "/settings/targets/shop/edit", "/settings/environments/staging/edit")
WRITES = (
    "/settings/targets",
    "/settings/targets/shop",
    "/settings/targets/shop/remove",
    "/settings/targets/shop/check",
    "/settings/environments",
    "/settings/environments/staging",
    "/settings/environments/staging/remove",
)


@pytest.mark.parametrize("url", PAGES)
def test_a_viewer_reads_pages_and_fragments(url, as_viewer, target):
    page, part = as_viewer.get(url), as_viewer.fragment.get(url)
    assert (page.status_code, part.status_code) == (200, 200)
    assert "<html" in page.text
    assert "<html" not in part.text


@pytest.mark.parametrize("url", ADMIN_PAGES)
def test_forms_are_for_admins(url, as_admin, as_operator, target):
    assert as_admin.get(url).status_code == 200
    assert as_operator.get(url).status_code == 403


@pytest.mark.parametrize("url", [*PAGES, *ADMIN_PAGES])
def test_anonymous_visitors_are_sent_to_the_sign_in(url, client, target):
    assert client.get(url).status_code in {302, 303}


@pytest.mark.parametrize("url", WRITES)
def test_writes_are_refused_to_viewers_operators_and_the_anonymous(url, as_viewer, as_operator, client, target):
    assert as_viewer.post(url, data=FORM).status_code == 403
    assert as_operator.fragment.post(url, data=FORM).status_code == 403
    assert client.post(url, data=FORM).status_code in {302, 303, 401}


@pytest.mark.parametrize("url", [WRITES[2], WRITES[3], WRITES[6]])
def test_writes_are_not_asked_by_get(url, as_admin, target):
    assert as_admin.get(url).status_code == 405


@pytest.mark.parametrize(
    "url", ["/settings/targets/nobody", "/settings/targets/nobody/edit", "/settings/targets/%3Cscript%3E"]
)
def test_unknown_targets_are_404(url, as_admin):
    assert as_admin.get(url).status_code == 404
    assert as_admin.fragment.get(url).status_code == 404


@pytest.mark.parametrize("url", ["/settings/targets/nobody/remove", "/settings/environments/nowhere/remove"])
def test_writes_to_unknown_ones_are_404(url, as_admin):
    assert as_admin.post(url, data={"version": "1"}).status_code == 404


def test_an_admin_adds_a_target(as_admin, store):
    answer = as_admin.post("/settings/targets", data=FORM)
    assert (answer.status_code, answer.location) == (303, "/settings/targets/ledger")
    target = store.scalars(select(Target).where(Target.slug == "ledger")).one()
    assert (target.environment.slug, target.sslmode, target.origin) == ("staging", "disable", "page")
    assert store.scalars(select(Change.title).where(Change.kind == "target")).all() == ["Ledger was added"]
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "target.add")).one()
    assert entry.after["roles"] == {"watch": "dash_ro"}
    assert "watching password" not in str(entry.after)


def test_its_password_is_sealed_and_never_shown(as_admin, store):
    as_admin.post("/settings/targets", data=FORM)
    sealed = store.scalars(select(TargetLogin.sealed_password)).one()
    assert b"a watching password" not in sealed
    for url in ("/settings/targets/ledger", "/settings/targets/ledger/edit", "/settings/targets?format=json"):
        assert "a watching password" not in as_admin.get(url).text


def test_htmx_is_sent_to_the_new_target(as_admin):
    assert as_admin.fragment.post("/settings/targets", data=FORM).headers["HX-Redirect"] == "/settings/targets/ledger"


def test_viewers_never_see_where_a_target_is_and_who_signs_in(as_viewer, as_admin, target):
    hidden = target.logins[0].username
    assert hidden in as_admin.get("/settings/targets/shop").text
    assert hidden not in as_viewer.get("/settings/targets/shop").text
    assert set(as_viewer.get("/settings/targets?format=json").json["rows"][0]) == {
        "slug", "name", "environment", "state", "unreachable_since", "unreachable_reason", "next_attempt_at",
        "collected_at", "server_version", "capabilities",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "No Spaces"), ("slug", "new"), ("slug", ""), ("host", "a,b"), ("host", "/etc"),
        ("host", "10.1.2.3"), ("host", "::ffff:169.254.169.254"), ("host", "0.0.0.0"), ("port", "0"),  # noqa: S104
        ("port", "99999"), ("port", "x"), ("dbname", ""), ("dbname", "a\nb"), ("user", ""), ("environment", "moon"),
        ("sslmode", "prefer"), ("migrations", "/nonexistent"), ("name", "x" * 81),
    ],
)  # fmt: skip
def test_bad_fields_are_named_and_nothing_is_saved(field, value, as_admin, store):
    answer = as_admin.post("/settings/targets", data=FORM | {field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert store.scalars(select(Target)).all() == []
    as_json = as_admin.post("/settings/targets", data=FORM | {field: value}, headers={"Accept": "application/json"})
    assert list(as_json.json["error"]["fields"]) == [field]


def test_tls_is_required_off_this_machine(as_admin, store):
    far = FORM | {"host": "db.example.org"}
    assert as_admin.post("/settings/targets", data=far | {"sslmode": "disable"}).status_code == 422
    assert as_admin.post("/settings/targets", data=far).status_code == 303
    assert store.scalars(select(Target.sslmode)).one() == "verify-full"


def test_a_taken_name_is_409(as_admin, target):
    assert as_admin.post("/settings/targets", data=FORM | {"slug": "shop"}).status_code == 409


def test_a_change_keeps_the_password_and_starts_the_circuit_afresh(as_admin, store, target):
    sealed = target.logins[0].sealed_password
    form = FORM | {"user": target.logins[0].username, "password": "", "version": "1"}
    assert as_admin.post("/settings/targets/shop", data=form).status_code == 303
    store.refresh(target)
    assert (target.name, target.version, target.slug) == ("Ledger", 2, "shop")
    assert target.logins[0].sealed_password == sealed


def test_another_role_never_gets_the_old_ones_password(as_admin, store, target):
    form = FORM | {"user": "somebody_else", "password": "", "version": "1"}
    as_admin.post("/settings/targets/shop", data=form)
    assert store.scalars(select(TargetLogin.sealed_password)).one() is None


def test_a_stale_form_is_409_and_changes_nothing(as_admin, store, target):
    for version in ("7", "0"):
        answer = as_admin.post("/settings/targets/shop", data=FORM | {"version": version})
        assert answer.status_code == 409
    assert as_admin.post("/settings/targets/shop/remove", data={"version": "9"}).status_code == 409
    store.refresh(target)
    assert (target.name, target.version) == ("Shop", 1)


def test_a_removed_target_leaves_a_trace(as_admin, store, target):
    assert as_admin.post("/settings/targets/shop/remove", data={"version": "1"}).status_code == 303
    store.expire_all()
    assert store.scalars(select(Target)).all() == []
    assert store.scalars(select(Change.title)).all() == ["Shop is no longer watched"]
    assert store.scalars(select(AuditEntry.subject).where(AuditEntry.action == "target.remove")).one() == "target:shop"


def test_testing_the_connection_shows_the_card(as_admin, store, target):
    answer = as_admin.fragment.post("/settings/targets/shop/check")
    assert answer.status_code == 200
    assert "has no more rights than watching needs" in answer.text
    store.refresh(target)
    assert target.server_version >= 180_000


def test_a_connection_that_fails_is_one_sentence(as_admin, store, target):
    target.host, target.port = "127.0.0.1", 1
    store.commit()
    for answer in (
        as_admin.post("/settings/targets/shop/check"),
        as_admin.fragment.post("/settings/targets/shop/check"),
    ):
        assert "No PostgreSQL server answers at this address." in answer.text
        assert "Connection refused" not in answer.text


def test_the_list_is_searched_sorted_and_exported(as_viewer, target):
    assert as_viewer.get("/settings/targets?q=sho&sort=name&dir=desc&format=json").json["total"] == 1
    assert as_viewer.get("/settings/targets?q=%25&format=json").json["total"] == 0
    assert as_viewer.get("/settings/targets?environment=staging&format=json").json["rows"] == []
    assert as_viewer.get("/settings/targets?format=csv").text.startswith("slug,name,environment,state")
    assert as_viewer.get("/settings/targets?sort=host").status_code == 422


def test_hostile_names_are_text(as_admin, store, target):
    target.name, target.unreachable_reason = "<script>alert(1)</script>", "<b>no</b>"
    target.state, target.capabilities = "unreachable", [
        {"feature": "<i>", "state": "denied", "why": "<u>", "remedy_sql": '"><img src=x>'}
    ]  # fmt: skip
    for url in ("/settings/targets", "/settings/targets/shop", "/settings/targets/shop/edit"):
        text = as_admin.get(url).text
        assert not [tag for tag in ("<script>alert", "<b>no", "<i>", "<u>", "<img src=x") if tag in text]


def test_environments_come_with_every_store(as_viewer):
    rows = as_viewer.get("/settings/environments?format=json").json["rows"]
    assert [(row["slug"], row["color"], row["is_production"]) for row in rows] == [
        ("development", "green", False),
        ("staging", "amber", False),
        ("production", "red", True),
    ]


def test_an_environment_is_added_changed_and_removed(as_admin, store):
    values = {"slug": "qa", "name": "QA", "color": "teal", "position": "4"}
    assert as_admin.post("/settings/environments", data=values).status_code == 303
    changed = values | {"name": "Quality", "is_production": "on", "version": "1"}
    assert 'value="QA"' in as_admin.get("/settings/environments/qa/edit").text
    assert as_admin.fragment.post("/settings/environments/qa", data=changed).headers["HX-Redirect"]
    assert as_admin.post("/settings/environments/qa", data=changed | {"color": "black"}).status_code == 422
    assert as_admin.post("/settings/environments/qa", data=changed).status_code == 409
    assert as_admin.post("/settings/environments/qa/remove").status_code == 303
    actions = store.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)).all()
    assert actions == ["environment.add", "environment.change", "environment.remove"]


def test_an_environment_in_use_stays(as_admin, store, target):
    assert as_admin.post("/settings/environments/development/remove").status_code == 409
    assert store.scalars(select(Environment).where(Environment.slug == "development")).one()


@pytest.mark.parametrize("wrong", [{"slug": "Q A"}, {"color": "black"}, {"position": "x"}, {"slug": "staging"}])
def test_bad_environments_are_422(wrong, as_admin):
    values = {"slug": "qa", "name": "QA", "color": "teal", "position": "4"} | wrong
    answer = as_admin.post("/settings/environments", data=values)
    assert answer.status_code == 422
    assert f'id="{next(iter(wrong))}-error"' in answer.text
