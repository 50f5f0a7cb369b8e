"""A file into an environment where others approve: by the page and by the command, flag by flag, asked for first."""

import re

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from dashboard.approvals.models import ChangeRequest
from dashboard.flags import imports
from dashboard.flags.commands import import_flags
from dashboard.flags.holding import NeedsApproval
from dashboard.flags.imports import ensure_environment, import_document
from dashboard.flags.queries import document_of
from tests.flags.unleash_files import feature, sent, strategy

FILE = '{"flags": {"checkout": {"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on"}}}'
TWO = FILE.replace("}}}", '}, "fresh": {"state": "ENABLED", "variants": {"a": 1}}}}')
REASON = "moved from the old server"


@pytest.fixture
def run(app, tmp_path, guarded):
    """`run("--reason", "x")`: the command with these options; its exit code and what it said."""
    file = tmp_path / "flags.json"

    def ran(*options, text=FILE):
        file.write_text(text)
        words = [str(file), "--environment", "production", *options]
        with app.app_context():
            done = CliRunner().invoke(import_flags, words)
        return done.exit_code, done.output

    return ran


def test_the_command_asks_once_and_says_where_it_waits(run, guarded, store, app):
    for _ in range(2):
        code, said = run("--reason", REASON)
        assert (code, "Changes in production need the approval of somebody else: 1 request waits" in said) == (0, True)
        row = store.scalars(select(ChangeRequest)).one()
        assert f"See them at /approvals/{row.public_id}" in said
    assert (row.kind, row.state, row.author_id, row.author[:4], row.reason) == ("change", "open", None, "cli:", REASON)
    assert guarded()["checkout", "production"].version == 1
    assert run("--without-approval")[0] == 2


def test_with_an_address_of_its_own_the_command_names_it_and_many_stand_in_the_list(run, app, monkeypatch):
    settings = app.extensions["pilothouse_settings"]
    told = settings.model_copy(update={"url": "https://pilot.example/"})
    monkeypatch.setitem(app.extensions, "pilothouse_settings", told)
    code, said = run(text=TWO)
    assert (code, "2 requests wait, one for each flag." in said) == (0, True)
    assert "See them at https://pilot.example/approvals?state=open" in said


def test_anybody_who_may_decides_what_the_command_asked_for(run, guarded, people, request_row):
    run("--reason", REASON)
    url = f"/approvals/{request_row().public_id}"
    decider = people()
    assert "Withdraw" not in decider.get(url).text
    assert decider.post(f"{url}/withdraw").status_code == 403
    assert decider.post(f"{url}/approve").status_code == 303
    setting = guarded()["checkout", "production"]
    assert (setting.version, setting.updated_by[:4], request_row().state) == (2, "cli:", "applied")


def test_a_dry_run_says_beforehand_that_it_would_wait(run, store):
    code, said = run("--dry-run")
    assert (code, "1 request waits, one for each flag." in said) == (0, True)
    assert store.scalars(select(ChangeRequest)).all() == []


def test_metadata_of_the_set_is_never_imported_by_the_way(run, app, guarded):
    with_metadata = FILE[:-1] + ', "metadata": {"team": "shop"}}'
    assert "it is no part of what is asked for" in run("--dry-run", text=with_metadata)[1]
    code, said = run(text=with_metadata)
    assert (code, "in production it stays as it is" in said) == (0, True)
    with app.app_context():
        assert "team" not in document_of(ensure_environment("production"))


def test_no_other_way_in_goes_without(app, guarded):
    with app.app_context(), pytest.raises(NeedsApproval):
        import_document(FILE, "production")


def page_of(browser, text=FILE):
    data = {"text": text, "environment": "production"}
    page = browser.post("/flags/import/preview", data=data)
    fields = {name: re.search(f'name="{name}" value="([^"]*)"', page.text)[1] for name in ("seen", "kept")}
    return page, data | fields | {"operation_id": "importing-1", "reason": REASON}


def test_by_the_page_every_flag_is_asked_for_and_approved_by_somebody_else(guarded, store, people):
    asking = people()
    page, form = page_of(asking, TWO)
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


def test_more_than_can_be_asked_for_is_refused_with_what_to_do(run, guarded, people):
    one = FILE.removeprefix('{"flags": {"checkout": ').removesuffix("}}")
    many = ", ".join(f'"flag-{number}": {one}' for number in range(imports.MOST_ASKED + 1))
    text = f'{{"flags": {{{many}}}}}'
    answer = (browser := people()).post("/flags/import", data=page_of(browser, text)[1])
    for code, said in ((answer.status_code, answer.text), run(text=text), run("--dry-run", text=text)):
        assert code in {409, 1}
        assert "201 flags are too many to ask for: at most 200. Import files with fewer flags each" in said


def test_what_stands_on_another_flag_of_the_file_is_approved_after_that_one(guarded, people, store, run):
    child, parent = feature(strategy(), name="child", dependencies=[{"feature": "parent"}]), feature(name="parent")
    assert run(text=sent(child, parent))[0] == 0
    urls = {one.subject: f"/approvals/{one.public_id}" for one in store.scalars(select(ChangeRequest))}
    answer = people().post(f"{urls['child']}/approve")
    assert (answer.status_code, "Approve parent first" in answer.text) == (409, True)
    assert people().post(f"{urls['parent']}/approve").status_code == 303
    assert people().post(f"{urls['child']}/approve").status_code == 303
    assert guarded()["child", "production"].prerequisites == {"parent": ["on"]}
