"""A file into an environment where others approve: not by the way, but by who says why."""

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from dashboard.approvals.models import ChangeRequest
from dashboard.errors import Conflict
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
