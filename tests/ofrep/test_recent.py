"""Contexts that applications sent lately: kept where that is chosen, shown to whoever may change flags there."""

import pytest
from sqlalchemy import select, text, update

from dashboard.flags import live, recent
from dashboard.flags.imports import import_document
from dashboard.flags.recent_models import RecentContext
from dashboard.security.key_edits import create_key
from dashboard.security.models import EnvironmentRole
from dashboard.store import db
from dashboard.targets.models import Environment
from dashboard.targets.queries import environment_by_slug
from tests.conftest import close, make_app, run_sql
from tests.ofrep.conftest import DOCUMENT, Application, add_key, imported, store_away

PAGE = "/flags/playground"
ASKED = {"environment": "staging", "flag": "chosen"}
JSON = {"Accept": "application/json"}
ZOE = {"targetingKey": "Zoë <b>", "plan": "pro", "score": 1.0, "apiKey": "s3cret"}
KEPT = '{"targetingKey": "Zoë <b>", "plan": "pro", "score": 1.0, "apiKey": "***"}'


class Keeping:
    """Staging keeps contexts, and one process serves it."""

    def __init__(self, app, application):
        self.app, self.application, self.process = app, application, recent.of(app)

    def choose(self, keeps):
        with self.app.app_context():
            db.session.execute(update(Environment).where(Environment.slug == "staging").values(keeps_contexts=keeps))
            db.session.commit()
        self.process.exchange()

    def sent(self, *contexts):
        for context in contexts:
            assert self.application.flag("chosen", context).status_code == 200
        self.process.exchange()

    @property
    def kept(self):
        with self.app.app_context():
            return list(db.session.scalars(select(RecentContext.context).order_by(RecentContext.seen_at)))


@pytest.fixture(scope="module")
def process(server, store_template):
    """One app for all of these tests."""
    run_sql(server, "create database {} template {} owner pilothouse", "store_recent", store_template)
    app = imported(make_app(server, "store_recent"))
    with app.app_context():
        import_document(DOCUMENT.replace('"plan"}, "pro"', '"plan"}, "free"'), "production")
        application = Application(app, add_key("staging"))
    yield Keeping(app, application)
    live.stop(app)
    close(app)


@pytest.fixture
def keeping(process):
    for keeps in (False, True):
        process.choose(keeps)
    return process


def test_nothing_is_kept_unless_that_was_chosen(keeping):
    keeping.choose(False)
    keeping.sent(ZOE)
    assert keeping.kept == []
    with keeping.app.app_context():
        assert not db.session.scalars(select(Environment.keeps_contexts).where(Environment.slug == "staging")).one()


def test_what_was_asked_is_offered_and_used_exactly(keeping, sign_in):
    keeping.sent(ZOE, ZOE, {})
    assert keeping.kept == [KEPT]
    operator = sign_in(keeping.app, "operator")
    page = operator.post(PAGE, data=ASKED).text
    assert "Use the context of Zoë &lt;b&gt;" in page
    assert "score: 1.0" in page
    assert "s3cret" not in page
    used = operator.post(PAGE, data=ASKED | {"context": "{}", "sample": KEPT}, headers=JSON).json
    assert (used["context"], used["result"]["variant"]) == (ZOE | {"apiKey": "***"}, "b")
    assert [one["context"] for one in used["lately"]] == [ZOE | {"apiKey": "***"}]


def test_every_way_of_asking_is_noticed_and_a_refused_one_is_not(keeping):
    asked = keeping.application
    asked.bulk({"a": 1})
    etag = asked.bulk({"a": 2}).headers["ETag"]
    assert asked.bulk({"a": 3}, headers={"If-None-Match": etag}).status_code == 304
    assert asked.flag("nothing", {"a": 4}).status_code == 404
    assert asked.flag("plain", data=b'{"context": {"targetingKey": 5}}').status_code == 400
    keeping.sent()
    assert sorted(keeping.kept) == [f'{{"a": {number}}}' for number in (1, 2, 3, 4)]


def test_who_may_not_change_flags_there_sees_none(keeping, sign_in):
    keeping.sent(ZOE)
    app, viewer = keeping.app, sign_in(keeping.app, "viewer")
    page = viewer.post(PAGE, data=ASKED).text
    assert ("Zoë" in page, "Recent contexts take the role operator in Staging" in page) == (False, True)
    with app.app_context():
        _, words = create_key(name="script", kind="read")
        db.session.commit()
    script = app.test_client().get(PAGE, query_string=ASKED, headers={"Authorization": f"Bearer {words}"})
    assert (script.status_code, "lately" in script.json) == (200, False)
    lesser = sign_in(app, "operator")
    with app.app_context():
        account = db.session.scalars(text("select max(id) from account")).one()
        place = environment_by_slug("staging").id
        db.session.add(EnvironmentRole(account_id=account, environment_id=place, role="viewer"))
        db.session.commit()
    assert "Zoë" not in lesser.post(PAGE, data=ASKED).text


def test_versions_are_compared_over_recent_contexts_too(keeping, sign_in):
    keeping.sent(ZOE, {"plan": "free"}, {"plan": "none"})
    operator, wanted = sign_in(keeping.app, "operator"), ASKED | {"other": "production"}
    found = operator.post(PAGE, data=wanted, headers=JSON).json
    assert (found["comparison"]["sampled"], found["comparison_lately"]["sampled"]) == (1_000, 3)
    moves = {(one["before"], one["after"]): one["count"] for one in found["comparison_lately"]["moves"]}
    assert moves == {("a", "b"): 1, ("b", "a"): 1, ("a", "a"): 1}
    page = operator.post(PAGE, data=wanted).text
    for words in ("3 recent contexts, 1", "Recent contexts</caption>", "Made-up people</caption>"):
        assert words in page


def test_the_last_twenty_are_kept_for_an_hour_and_while_that_is_chosen(keeping, sign_in):
    for first in (0, 13):
        keeping.sent(*({"number": number} for number in range(first, first + 13)))
    assert len(keeping.kept) == recent.KEPT
    assert '{"number": 25}' in keeping.kept
    with keeping.app.app_context():
        db.session.execute(update(RecentContext).values(seen_at=text("now() - interval '61 minutes'")))
        db.session.commit()
    assert "No application sent a context" in sign_in(keeping.app, "operator").post(PAGE, data=ASKED).text
    keeping.sent({"number": 99})
    assert keeping.kept == ['{"number": 99}']
    keeping.choose(False)
    assert keeping.kept == []


def test_processes_take_turns_and_the_store_may_be_away(keeping, server):
    keeping.application.flag("chosen", ZOE)
    with keeping.app.app_context(), db.engine.begin() as other:
        other.execute(recent.MY_TURN, {"turn": recent.TURN})
        keeping.process.exchange()
    assert keeping.kept == []
    keeping.process.exchange()
    assert keeping.kept == [KEPT]
    with store_away(server, keeping.app):
        keeping.sent({"a": 1})
    keeping.sent({"a": 2})
    assert keeping.kept == [KEPT], "what could not be put in is forgotten"
    keeping.sent({"a": 3})
    assert keeping.kept == [KEPT, '{"a": 3}']
