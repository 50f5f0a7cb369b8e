"""Changes of flags under concurrency, and flagd files: all of a file or nothing."""

import threading

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from dashboard.errors import Conflict, Invalid
from dashboard.flags import commands, edits
from dashboard.flags.imports import import_document
from dashboard.flags.ledger import document_of
from dashboard.flags.models import Flag, FlagRevision, FlagSetting, FlagVersion
from dashboard.flags.queries import cell_of, flag_by_key
from dashboard.flags.rules import Definition
from dashboard.flags.saving import Stale
from dashboard.security import audit
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import environment_by_slug
from tests.flags.conftest import make_flag

ONE = '{"flags": {"a": {"state": "ENABLED", "variants": {"x": 1.0, "y": 2}, "defaultVariant": "x"}}}'


def at_once(app, count, work):
    """`work(number)` in that many threads, each in an app context of its own; the exceptions that came out."""
    gate, refused = threading.Barrier(count), []

    def run(number):
        with app.app_context():
            gate.wait()
            try:
                work(number)
                db.session.commit()
            except (Conflict, Invalid) as error:
                refused.append(error)
                db.session.rollback()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


def test_of_twenty_people_with_the_same_version_one_wins(cloned_store):
    with cloned_store.app_context():
        make_flag()
    refused = at_once(
        cloned_store,
        20,
        lambda _: edits.toggle(flag_by_key("checkout"), environment_by_slug("staging"), enabled=True, version=1),
    )
    assert len(refused) == 19
    assert all(isinstance(error, Stale) for error in refused)
    with cloned_store.app_context():
        assert db.session.scalar(select(FlagSetting.version).where(FlagSetting.enabled)) == 2
        assert audit.verify() is None


def test_of_twenty_clicks_of_one_form_all_are_answered_and_one_is_carried_out(cloned_store):
    with cloned_store.app_context():
        make_flag()
    place = "staging"
    refused = at_once(
        cloned_store,
        20,
        lambda _: edits.toggle(
            flag_by_key("checkout"), environment_by_slug(place), enabled=True, version=1, operation_id="the-same-form"
        ),
    )
    assert refused == []
    with cloned_store.app_context():
        assert cell_of(flag_by_key("checkout"), environment_by_slug(place)).version == 2


def test_imports_at_once_of_the_same_flags_end_as_one(cloned_store):
    assert at_once(cloned_store, 4, lambda _: import_document(ONE, "staging")) == []
    with cloned_store.app_context():
        assert db.session.scalar(select(FlagSetting.version)) == 1


def test_a_change_counts_the_revision_and_keeps_the_version(app, store, flags):
    with app.app_context():
        place = environment_by_slug("staging")
        before = db.session.get(FlagRevision, place.id).revision
        edits.toggle(flag_by_key("checkout"), place, enabled=True, version=1, reason="because")
        assert db.session.get(FlagRevision, place.id, populate_existing=True).revision == before + 1
        kept = db.session.scalars(select(FlagVersion).order_by(FlagVersion.id.desc())).first()
        assert (kept.version, kept.document["state"], kept.reason) == (2, "ENABLED", "because")


def test_the_exact_json_is_kept(app):
    variants = {"b": 1e20, "a": -0.0, "c": 0.0}
    with app.app_context():
        flag = edits.create_flag("exact", "float")
        edits.set_in_environment(flag, environment_by_slug("staging"), Definition(True, variants), version=0)
        db.session.commit()
        db.session.expire_all()
        kept = document_of(db.session.scalars(select(FlagSetting)).one())["variants"]
    assert repr(kept) == "{'b': 1e+20, 'a': -0.0, 'c': 0.0}"


def test_only_the_order_or_the_kind_of_a_number_is_a_change_too(app):
    with app.app_context():
        flag, place = edits.create_flag("thing", "object"), environment_by_slug("staging")
        for number, value in enumerate(({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"b": 2, "a": 1.0})):
            definition = Definition(enabled=True, variants={"x": value}, default_variant="x")
            setting = edits.set_in_environment(flag, place, definition, version=number)
            db.session.flush()
            db.session.refresh(setting)
            assert repr(setting.variants["x"]) == repr(value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"flags": {\n"a": {"state": "ON"}}}', "Line 2: Flag “a”: “state” is ENABLED or DISABLED."),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": true},\n"defaultVariant": "y"}}}', "no variant “y”"),
        ('{"flags": {}', "Line 1"),
        ('{"flags": {"a": 1, "a": 2}}', "stands twice"),
        ('{"flags": {"a": {"state": "ENABLED", "variants": {"x": NaN}}}}', "NaN"),
        ('{"flags": {"new": {"state": "ENABLED", "variants": {"x": 1}}}}', "cannot be a key"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_line_and_reason(app, text, sentence):
    with app.app_context(), pytest.raises(Invalid, match=sentence.replace("“", ".").replace("”", ".")):
        import_document(text, "staging")


def test_one_bad_flag_keeps_all_out(cloned_store, tmp_path):
    file = tmp_path / "flags.json"
    file.write_text('{"flags": {"good": {"state": "ENABLED", "variants": {"x": 1}},\n"bad": {"state": "ENABLED"}}}')
    with cloned_store.app_context():
        done = CliRunner().invoke(commands.flags, ["import", str(file), "--environment", "fresh"])
        assert (done.exit_code, "Line 2" in done.output) == (1, True)
        assert db.session.scalar(select(func.count()).select_from(Flag)) == 0
        assert db.session.scalar(select(Environment).where(Environment.slug == "fresh")) is None


def test_a_file_comes_out_as_it_went_in(cloned_store, tmp_path):
    file = tmp_path / "flags.json"
    file.write_text(ONE)
    with cloned_store.app_context():
        runner = CliRunner()
        assert runner.invoke(commands.flags, ["import", str(file), "--environment", "fresh"]).exit_code == 0
        first = runner.invoke(commands.flags, ["export", "--environment", "fresh"]).output
        assert '"variants": {"x": 1.0, "y": 2.0}' in first
        file.write_text(first)
        again = runner.invoke(commands.flags, ["import", str(file), "--environment", "fresh"])
        assert "0 flags set" in again.output
        assert runner.invoke(commands.flags, ["export", "--environment", "fresh"]).output == first
        assert runner.invoke(commands.flags, ["export", "--environment", "nowhere"]).exit_code == 1


def test_another_type_and_an_archived_flag_are_refused(app, flags):
    with app.app_context():
        with pytest.raises(Invalid, match="of type boolean here"):
            import_document(ONE.replace('"a"', '"checkout"'), "staging")
        edits.archive(flag_by_key("checkout"), version=1)
        with pytest.raises(Invalid, match="archived"):
            import_document(ONE.replace('"a"', '"checkout"'), "staging")
