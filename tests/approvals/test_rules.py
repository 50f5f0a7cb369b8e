"""Who counts, who may decide, and in which words."""

import pytest

from dashboard.approvals import rules
from dashboard.errors import Invalid


@pytest.mark.parametrize(
    ("needed", "approved_by", "may", "told"),
    [
        (1, [], {1, 2, 3}, (0, 1, 2, True)),
        (2, [2], {1, 2, 3}, (1, 1, 1, True)),
        (2, [2, 9], {1, 2, 3}, (1, 1, 1, True)),
        (2, [1], {1, 2}, (0, 2, 1, False)),
        (0, [], {1, 2}, (0, 1, 1, True)),
        (1, [2, 3], {1, 2, 3}, (2, 0, 0, True)),
        (3, [], set(), (0, 3, 0, False)),
    ],
)
def test_only_others_who_still_may_count(needed, approved_by, may, told) -> None:
    found = rules.tally(needed, 1, approved_by, may)
    assert (found.given, found.missing, found.left, found.can_be_reached) == told


@pytest.mark.parametrize("code", ["gone", "archived", "restored", "changed", "over", "passed", "author", "expired"])
def test_every_reason_is_a_sentence(code) -> None:
    told = rules.void_sentence(code, subject="checkout", place="production", author="ada@example.org")
    assert told[0].isalnum()
    assert told.endswith(".")


def test_the_audit_log_names_what_it_is_about() -> None:
    assert rules.subject_of("segment.set", "beta", "production") == "beta in production"
    assert rules.subject_of("flag.bucketing", "production", "production") == "production"


def test_one_s_own_comes_before_everything_else() -> None:
    asked = {"is_own": True, "has_approved": False, "role": "admin", "place": "production", "may": True}
    assert rules.why_not_decide("change", **asked) == "It is your own: somebody else has to approve it."
    assert rules.why_not_decide("review", **asked) == "It is your own: somebody else has to look at it."
    assert rules.why_not_decide("change", **asked | {"is_own": False}) is None
    assert rules.why_not_decide("change", **asked | {"is_own": False, "may": False, "role": "viewer"}) == (
        "Deciding takes the role operator in production; yours is viewer."
    )


@pytest.mark.parametrize("text", ["x" * 1001, "a\x00b", "  "])
def test_comments_that_cannot_be_kept_are_refused(text) -> None:
    with pytest.raises(Invalid):
        rules.comment_of(text, needed=True)


def test_a_comment_is_trimmed_and_may_be_left_out() -> None:
    assert (rules.comment_of(" fine ", needed=True), rules.comment_of(" ", needed=False)) == ("fine", "")
