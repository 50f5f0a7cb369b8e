"""A flag's definition goes from one environment to another: seen first, confirmed, all that was chosen or nothing."""

import pytest
from sqlalchemy import select

from dashboard.security.models import AuditEntry
from tests.flags.conftest import make_flag

ONE = "/flags/checkout/promote"
MANY = "/flags/compare"
UP = {"from": "staging", "to": "production", "reason": "launch", "operation_id": "operation-1"}


@pytest.fixture
def ahead(app, as_operator, flags):
    """`checkout` and `search` are on in staging and off in production."""
    with app.app_context():
        make_flag("search")
    for key in ("checkout", "search"):
        form = {"enabled": "on", "version": 1, "operation_id": f"turning-{key}"}
        as_operator.post(f"/flags/{key}/in/staging/toggle", data=form)
    return flags


def one(**more):
    return UP | {"source_version": 2, "version": 1, "typed_key": "checkout"} | more


def many(*chosen, **more):
    return UP | {"flags": list(chosen), "typed_key": "production"} | more


def test_a_flag_is_promoted_once_and_written_down(as_operator, ahead, store):
    for _ in range(2):
        assert as_operator.post(ONE, data=one()).status_code == 303
    assert (ahead["checkout", "production"].enabled, ahead["checkout", "production"].version) == (True, 2)
    entry = store.scalars(select(AuditEntry).where(AuditEntry.action == "flag.promote")).one()
    assert (entry.subject, entry.after["state"], entry.reason) == ("checkout in production", "on", "launch")


@pytest.mark.parametrize("missing", ["reason", "typed_key"])
def test_production_is_confirmed(as_operator, ahead, missing):
    assert as_operator.post(ONE, data=one(**{missing: ""})).status_code == 422
    assert as_operator.post(MANY, data=many("checkout:2:1", **{missing: ""})).status_code == 422
    assert ahead["checkout", "production"].version == 1


def test_several_go_together(as_operator, ahead):
    assert as_operator.post(MANY, data=many("checkout:2:1", "search:2:1")).status_code == 303
    assert ahead["checkout", "production"].enabled is True
    assert ahead["search", "production"].enabled is True
    assert as_operator.get(f"{MANY}?from=staging&to=production&format=json").json["total"] == 0


def test_a_page_of_what_differs_reads_no_more_than_that(as_operator, ahead):
    listed = f"{MANY}?from=staging&to=production&format=json&limit=1"
    first, second = (as_operator.get(f"{listed}&page={page}").json for page in (1, 2))
    assert [first["total"], second["total"]] == [2, 2]
    assert [row["key"] for found in (first, second) for row in found["rows"]] == ["checkout", "search"]


@pytest.mark.parametrize("stale", ["search:2:0", "search:1:1"])
def test_when_one_changed_since_it_was_shown_none_goes(as_operator, ahead, stale):
    answer = as_operator.post(MANY, data=many("checkout:2:1", stale))
    assert (answer.status_code, "Replace theirs" in answer.text) == (409, True)
    assert ahead["checkout", "production"].enabled is False


@pytest.mark.parametrize("chosen", [[], ["nothing:1:1"], ["checkout"], ["checkout:x:1"]])
def test_what_cannot_be_promoted_is_refused(as_operator, ahead, chosen):
    assert as_operator.post(MANY, data=many(*chosen)).status_code == 422
    assert ahead["checkout", "production"].version == 1


def test_only_operators_promote(client, as_viewer, ahead):
    for url, form in ((ONE, one()), (MANY, many("checkout:2:1"))):
        assert client.post(url, data=form).status_code in {303, 401}
        assert as_viewer.post(url, data=form).status_code == 403
    assert as_viewer.get(f"{MANY}?from=staging&to=production").status_code == 200
    assert ahead["checkout", "production"].version == 1


@pytest.mark.parametrize("url", [f"{ONE}?from=staging&to=production", f"{MANY}?from=staging&to=production"])
def test_the_pages_show_what_would_change(as_operator, ahead, url):
    for browser in (as_operator, as_operator.fragment):
        page = browser.get(url).text
        assert "<del><code>off</code></del>" in page
        assert "<ins><code>on</code></ins>" in page
    assert as_operator.get(f"{MANY}?from=staging&to=nowhere").status_code == 404
    assert as_operator.get("/flags/nothing/promote?from=staging&to=production").status_code == 404
    assert as_operator.get(f"{ONE}?from=staging&to=staging").status_code == 422
