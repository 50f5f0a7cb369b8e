"""A file into an environment where others approve: not by the way, but by who says why."""

import re

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from dashboard.approvals.models import ChangeRequest
from dashboard.errors import Conflict
from dashboard.flags import imports
from dashboard.flags.commands import import_flags
from dashboard.flags.imports import import_document
from dashboard.security.models import AuditEntry

FILE = '{"flags": {"checkout": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}'
REASON = "moved from the old server"


@pytest.fixture
def run(app, tmp_path, guarded):
    """`run("--reason", "x")`: the command with these options; its exit code and what it said."""
    file = tmp_path / "flags.json"
    file.write_text(FILE)

    def ran(*options):
        words = [str(file), "--environment", "production", *options]
        with app.app_context():
            done = CliRunner().invoke(import_flags, words)
        return done.exit_code, done.output

    return ran


def test_an_import_that_nobody_approved_is_refused(run, guarded):
    code, said = run()
    assert (code, "need the approval of somebody else" in said) == (1, True)
    assert run("--without-approval")[0] == 2
    assert guarded()["checkout", "production"].version == 1


def test_with_a_reason_it_is_made_and_looked_at_afterwards(run, guarded, store, people):
    assert run("--without-approval", "--reason", REASON)[0] == 0
    assert guarded()["checkout", "production"].version == 2
    review = store.scalars(select(ChangeRequest)).one()
    assert (review.kind, review.reason, review.author[:4]) == ("review", REASON, "cli:")
    assert store.scalars(select(AuditEntry.reason).where(AuditEntry.action == "flag.import")).one() == REASON
    url = f"/approvals/{review.public_id}"
    assert people().post(f"{url}/reviewed", data={"comment": "as agreed"}).location == url


def test_no_other_way_in_goes_without(app, guarded):
    with app.app_context(), pytest.raises(Conflict):
        import_document(FILE, "production")


def page_of(browser, text=FILE):
    data = {"text": text, "environment": "production"}
    page = browser.post("/flags/import/preview", data=data)
    fields = {name: re.search(f'name="{name}" value="([^"]*)"', page.text)[1] for name in ("seen", "kept")}
    return page, data | fields | {"operation_id": "importing-1", "reason": REASON}


def test_by_the_page_every_flag_is_asked_for_and_approved_by_somebody_else(guarded, store, people):
    asking = people()
    page, form = page_of(asking, FILE.replace("}}}", '}, "fresh": {"state": "ENABLED", "variants": {"a": 1}}}}'))
    assert "Ask for approval of 2 changes" in page.text
    answer = asking.post("/flags/import", data=form)
    assert (answer.status_code, answer.location.split("?")[0].split("/")[1]) == (303, "approvals")
    asked = store.scalars(select(ChangeRequest).order_by(ChangeRequest.subject)).all()
    assert [(one.subject, one.kind, one.state) for one in asked] == [
        ("checkout", "change", "open"),
        ("fresh", "change", "open"),
    ]
    assert guarded()["checkout", "production"].version == 1
    for one in asked:
        assert people().post(f"/approvals/{one.public_id}/approve", data={"comment": "yes"}).status_code == 303
    assert [guarded()[key, "production"].version for key in ("checkout", "fresh")] == [2, 1]


def test_more_than_can_be_asked_for_is_refused_with_what_to_do(guarded, people):
    one = FILE.removeprefix('{"flags": {"checkout": ').removesuffix("}}")
    many = ", ".join(f'"flag-{number}": {one}' for number in range(imports.MOST_ASKED + 1))
    browser = people()
    answer = browser.post("/flags/import", data=page_of(browser, f'{{"flags": {{{many}}}}}')[1])
    assert (answer.status_code, "too many to ask for" in answer.text) == (409, True)
    assert "--without-approval" in answer.text
