"""The page of a request tells those who decide what changed of what it stands on, and whom it reaches."""

import json

import pytest
from sqlalchemy import func, select, update

from dashboard.flags.models import FlagRevision, FlagVersion
from dashboard.targets.models import Environment
from tests.approvals.conftest import ON
from tests.approvals.test_parts import BETA, BUCKETING, segment
from tests.flags.conftest import make_flag

SET = "/flags/checkout/in/production/set"
VARIANTS = {"variant_name": ["on", "off"], "variant_value": ["true", "false"], "default": "1"}
NEEDS = {"needs": "payments", "needs:payments": "on"}
RULE = {"if": [{"$ref": "beta"}, {"fractional": [["on", 50], ["off", 50]]}, "off"]}


@pytest.fixture
def production(app, guarded, people, store):
    """Production with a segment and another flag; `production(0)`: it takes so many approvals from now on."""
    guarded(0)
    with app.app_context():
        make_flag("payments")
    people().post("/flags/segments/production", data=segment(1))
    guarded(1)
    # All of a test is one transaction, whose clock stands still: what was before is made to be before.
    store.execute(update(FlagVersion).values(at=func.now() - func.make_interval(0, 0, 0, 1)))
    store.commit()
    return guarded


@pytest.fixture
def aside(production, people, store):
    """Somebody else changes something at once, without approval, a minute later."""

    def changing(url, role="operator", **form):
        production(0)
        known = set(store.scalars(select(FlagVersion.id)))
        typed = ON | {"typed_key": url.split("/")[2], "operation_id": f"aside-{url[-12:]}"}
        answer = people(role).post(url, data=typed | form)
        assert answer.status_code in {200, 303}, answer.text
        later = {"at": func.now() + func.make_interval(0, 0, 0, 0, 0, 1)}
        store.execute(update(FlagVersion).where(FlagVersion.id.not_in(known)).values(later))
        store.commit()
        production(1)

    return changing


def revision_of(store):
    place = Environment.id == FlagRevision.environment_id
    return store.scalars(select(FlagRevision.revision).join(Environment, place).where(Environment.slug == "production"))


def test_segments_flags_and_bucketing_that_changed_since_are_named_with_whoever_did(asked, aside, people, store):
    rule = {"rules_view": "json", "targeting": json.dumps(RULE)}
    _, url = asked(url=SET, **VARIANTS, **rule, **NEEDS, enabled="on")
    assert "Since this was asked" not in people().get(url).text
    aside(BETA, **segment(2, 1))
    aside("/flags/payments/in/production/toggle")
    aside("/flags/payments/in/staging/toggle")
    aside(BUCKETING, "admin", version=revision_of(store).one(), bucketing="v3", typed_key="production")
    page = people().get(url).text
    banner = page[page.index("Since this was asked") :][:900]
    for words in ("segment beta, by operator-", "bucketing, by admin-"):
        assert words in banner, words
    assert people().post(f"{url}/approve").status_code == 303
    assert "Since this was asked" not in people().get(url).text


def test_a_request_for_a_segment_tells_in_words_what_changes_and_which_flags_use_it(asked, aside, people):
    rule = {"rules_view": "json", "targeting": json.dumps(RULE), "enabled": "on"}
    aside(SET, **VARIANTS, **rule, typed_key="checkout")
    asker, url = asked(url=BETA, **segment(2, 1, '{"==": [{"var": "country"}, "NL"]}'))
    page = people().get(url).text
    assert "1 flag whose rules ask for this segment" in page
    assert "/flags/segments/production/beta/history" in page
    assert url in asker.get("/flags/segments").text
    assert url in asker.get("/flags/segments/production/beta/history").text


def test_a_request_for_bucketing_tells_who_would_move(asked, aside, people, store):
    rule = {"rules_view": "json", "targeting": json.dumps(RULE), "enabled": "on"}
    aside(SET, **VARIANTS, **rule, typed_key="checkout")
    form = {"bucketing": "v3", "typed_key": "production", "version": revision_of(store).one()}
    asker, url = asked(people("admin"), BUCKETING, **form)
    page = people().get(url).text
    assert ("Who would move" in page, 'aria-label="Who would move"' in page) == (True, True)
    assert "what it was from the beginning" in page
    assert url in asker.get(BUCKETING).text


def test_a_request_to_archive_tells_where_the_flag_is_set_and_which_flags_need_it(asked, aside, people, store):
    aside(SET, **VARIANTS, **NEEDS, typed_key="checkout")
    _, url = asked(url="/flags/payments/archive", version=1)
    page = people().get(url).text
    assert "What would change in every environment" in page
    assert "any change of the flag, anywhere, makes it void" in page
    assert "Where it is set" in page
    assert "checkout</a> in production counts only while" in page


def test_a_segment_that_is_not_there_yet_has_no_page_to_go_to(asked, guarded, people):
    _, url = asked(url="/flags/segments/production", **segment(1))
    page = people().get(url).text
    assert ('href="/flags/segments"' in page, "beta/history" in page) == (True, False)
    assert "nothing: not there yet" in page
