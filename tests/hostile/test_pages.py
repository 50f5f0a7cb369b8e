"""Hostile words come out as text on every page, whole and exact, and nowhere as anything else."""

import csv
import io
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from sqlalchemy import select

from dashboard.alerts.models import Alert
from dashboard.approvals.models import ChangeRequest
from dashboard.changes.models import Change
from dashboard.findings.models import Finding
from dashboard.names import encode
from dashboard.plans.models import Plan
from dashboard.store import db
from tests.hostile.conftest import DATABASE, JSON, ROLE, STATEMENTS, WATCHER, WORDS

NOT_PAGES = {
    "plans.document",
    "findings.migration",
    "flags.imports.export",
    "static",
    "ofrep.document",
    "health.healthz",
    "health.readyz",
    "health.flags_readyz",
    "health.metrics",
}
LISTS = ["/t/shop/schema", "/t/shop/tables", "/t/shop/indexes", "/t/shop/queries", "/t/shop/activity"]
LISTS += ["/t/shop/migrations", "/flags", "/flags/segments", "/changes", "/alerts", "/audit", "/settings/people"]
LISTS += ["/settings/keys", "/settings/targets", "/settings/sessions"]
RELATIONS = """
select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where
    c.relkind = any(%s) and c.relname not like 'pg_stat_%%'
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
"""
FORBIDDEN = {"img", "iframe", "b", "object", "embed", "base", "frame"}
ADDRESSES = {"href", "src", "action", "formaction", "hx-get", "hx-post", "xlink:href"}
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class Page(HTMLParser):
    """What a browser would make of a page: its text, and everything in it that could act."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.acts: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.parts += [f" {value} " for value in found.values() if value]
        if tag in FORBIDDEN or (tag == "script" and not found.get("src", "").startswith("/static/")):
            self.acts.append(self.get_starttag_text() or tag)
        for name, value in attrs:
            address = (value or "").strip().lower() if name in ADDRESSES else ""
            if name.startswith("on") or name == "style" or address.startswith(("javascript:", "data:", "//")):
                self.acts.append(f"{name}={value}")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def relations(hostile, kinds: str = "rpvm") -> list[tuple[str, str]]:
    with hostile.server.connect(DATABASE) as connection:
        return connection.execute(RELATIONS, [list(kinds)]).fetchall()


def parameters(hostile, admin) -> dict[str, list[str]]:
    """Addresses of every rule that has parameters."""
    addresses = [quote(encode(*name)) for name in relations(hostile)]
    tables = [quote(encode(*name)) for name in relations(hostile, "rpm")]
    families = [row["id"] for row in admin.get("/t/shop/queries?format=json&window=1h").json["rows"]]
    with hostile.app.app_context():
        plans = [(f"/t/shop/queries/{plan.family_id}/plans", plan.id) for plan in db.session.scalars(select(Plan))]
        asked = list(db.session.scalars(select(ChangeRequest.public_id)))
        numbers = {model: list(db.session.scalars(select(model.id).limit(40))) for model in (Alert, Change, Finding)}
    assert plans
    assert asked
    return {
        "alerts.alert": [f"/alerts/{number}" for number in numbers[Alert]],
        "approvals.show": [f"/approvals/{one}" for one in asked],
        "alerts.channels.edit": [],
        "alerts.rules.edit": ["/alerts/rules/connections/hostile"],
        "changes.change": [f"/changes/{number}" for number in numbers[Change]],
        "findings.finding": [f"/t/shop/findings/{number}" for number in numbers[Finding]],
        "activity.session.show": ["/t/shop/activity/1/1"],
        "server.setting": ["/t/shop/server/settings/work_mem"],
        "plans.plan_list": [f"/t/shop/queries/{one}/plans" for one in families],
        "plans.section": [],
        "plans.plan": [f"{home}/{number}" for home, number in plans],
        "plans.comparison": [f"{home}/compare?a={number}&b={number}" for home, number in plans],
        "schema.relation": [f"/t/shop/schema/{one}" for one in addresses],
        "schema.diagram": [
            "/t/shop/schema/diagram", *(f"/t/shop/schema/diagram?focus={one}&hops=2&columns=all" for one in addresses),
        ],
        "tables.table": [f"/t/shop/tables/{one}" for one in tables],
        "statements.statement": [f"/t/shop/queries/{one}" for one in families],
        "history.migration": ["/t/shop/migrations/a1", "/t/shop/migrations/b%3C1%3E"],
        "flags.show": ["/flags/words"],
        "flags.past.history": ["/flags/words/history"],
        "flags.past.revert": ["/flags/words/in/hostile/revert?to=1"],
        "flags.past.revert_shared": ["/flags/words/shared/revert?to=1"],
        "flags.promote.one": ["/flags/words/promote?from=hostile&to=production"],
        "flags.configuration.show": ["/flags/greeting"],
        "flags.configuration.edit": ["/configuration/greeting/in/hostile"],
        "flags.segments.new": ["/flags/segments/hostile/new"],
        "flags.segments.edit": ["/flags/segments/hostile/work_mem"],
        "flags.segments.past.history": [f"/flags/segments/hostile/{name}/history" for name in ("work_mem", "gone")],
        "flags.segments.past.revert": ["/flags/segments/hostile/work_mem/revert?to=1"],
        "flags.bucketing.show": ["/flags/bucketing/hostile"],
        "flags.bucketing.history": ["/flags/bucketing/hostile/history"],
        "flags.setting.edit": ["/flags/words/in/hostile"],
        "flags.schedules.new": ["/flags/words/in/hostile/schedule"],
        "flags.setting.confirm": ["/flags/words/in/hostile/confirm?enabled=off"],
        "palette.palette": [f"/palette?q={quote(word)}" for word in ("alert", "%", "{{", "\\", "数据", "")],
        "tables.tables": ["/t/shop/tables", f"/t/shop/tables?q={quote(WORDS)}", "/t/shop/tables?partitions=shown"],
        "security.settings": [],
        "security.login": [],
    }  # fmt: skip


def pages(hostile, admin) -> list[str]:
    """Every page that can be asked for; a new route without an address here fails."""
    known, found = parameters(hostile, admin), []
    for rule in hostile.app.url_map.iter_rules():
        if rule.endpoint in NOT_PAGES or "GET" not in (rule.methods or ()):
            continue
        if rule.endpoint in known:
            found += known[rule.endpoint]
        else:
            assert set(rule.arguments) <= {"slug"}, rule
            place = "hostile" if "environments" in rule.rule else "shop"
            found += [rule.rule.replace("<slug>", slug) for slug in ((place, "away") if place == "shop" else (place,))]
    return list(dict.fromkeys(found))


def test_every_page_shows_and_nothing_in_it_acts(hostile, admin) -> None:
    wrong = {}
    for url in pages(hostile, admin):
        for client in (admin, admin.fragment):
            answer = client.get(url)
            if answer.status_code != 200 or (acts := Page(answer.text).acts):
                wrong[url] = answer.status_code, acts if answer.status_code == 200 else answer.text[-300:]
    assert wrong == {}


def test_no_template_syntax_is_evaluated(hostile, admin) -> None:
    for url in ("/flags/words", "/audit", "/alerts", "/t/shop/activity"):
        text = Page(admin.get(url).text).text
        assert "{{ 7 * 7 }}" in text or "{{7*7}}" in text, url


@pytest.mark.parametrize("url", LISTS)
def test_a_list_answers_as_json_and_as_csv_without_a_formula(hostile, admin, url) -> None:
    assert admin.get(f"{url}?format=json").json["rows"]
    answer = admin.get(f"{url}?format=csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    cells = [cell for row in rows for cell in row if cell.startswith(FORMULAS)]
    assert [cell for cell in cells if not cell.lstrip("-").replace(".", "", 1).replace("e-", "").isdigit()] == []


def test_json_has_the_exact_names(hostile, admin) -> None:
    def named(url: str, *fields: str) -> set[tuple[str, ...]]:
        rows = admin.get(f"/t/shop/{url}?format=json").json["rows"]
        return {tuple(row[field] for field in fields) for row in rows}

    assert set(relations(hostile)) <= named("schema", "schema", "name")
    assert named("tables", "schema", "name") == set(relations(hostile, "rpm"))
    assert named("indexes", "schema", "name") == set(relations(hostile, "iI"))


def test_a_relation_shows_all_its_names_and_comments(hostile, admin) -> None:
    for schema, name in relations(hostile):
        url = f"/t/shop/schema/{quote(encode(schema, name))}"
        text = " ".join(Page(admin.get(url).text).text.split())
        columns = [row["name"] for row in admin.get(f"{url}?format=json").json["rows"]]
        missing = [word for word in (schema, name, *columns) if " ".join(word.split()) not in text]
        assert missing == [], url


def test_constraints_indexes_triggers_and_labels_are_text(hostile, admin) -> None:
    first = Page(admin.get(f"/t/shop/schema/{quote(encode('dots.and/slashes~tildes', 'a.b/c~d..e'))}").text).text
    for word in ("</title><script>alert('constraint')</script>", '{{ config }} %s \\ \' "index"', 'alert("trigger")'):
        assert word in first
    rows = admin.get("/t/shop/schema?format=json&kind=enum").json["rows"]
    labels = Page(admin.get(f"/t/shop/schema/{quote(encode(rows[0]['schema'], rows[0]['name']))}").text).text
    for word in ('<script>alert("enum")</script>', "back\\slash", "100 %s", "{{ 7 * 7 }}"):
        assert word in labels


def test_statements_and_sessions_are_told_exactly(hostile, admin) -> None:
    texts = [row["text"] for row in admin.get("/t/shop/queries?format=json&window=1h").json["rows"]]
    for part in ('"=cmd()"', "<img src=x onerror=alert('column')>", '"new\nline"', "ü数据 </pre><b>"):
        assert any(part in text for text in texts), part
    sessions = admin.get("/t/shop/activity?format=json").json["rows"]
    assert [row["query"] for row in sessions] == [STATEMENTS[0]] * 2
    shown = Page(admin.get("/t/shop/activity").text).text
    for word in ("<script>alert('application')</script>{{7*7}}%s", "</script><script>alert('query')</script>"):
        assert word in shown
    assert ROLE in shown or sessions[0]["username"] == "postgres"


def test_flags_audit_and_targets_show_their_words(hostile, admin) -> None:
    told = ("/flags/segments", "/flags/segments/hostile/gone/history", "/flags/bucketing/hostile/history")
    for url in ("/flags/words", "/audit", "/alerts", "/settings/people", "/settings/targets/away", *told):
        assert "</script><script>alert('words')</script>" in Page(admin.get(url).text).text, url
    shown = Page(admin.get("/settings/targets/shop").text).text
    assert WATCHER in shown
    assert DATABASE in shown
    rows = admin.get(f"/audit?format=json&q={quote('</textarea>')}").json["rows"]
    assert [row["after"] for row in rows if row["action"] == WORDS] == [JSON]
