"""When a request stands no longer, who may decide it, and in which words (pure)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from dashboard.errors import Invalid

LASTS = timedelta(days=30)
LONGEST = 1000
COMMAND_LINE = "cli:"


@dataclass(frozen=True)
class Tally:
    """How far a request is: `given` of `needed`, and how many people may still give theirs."""

    given: int
    needed: int
    left: int

    @property
    def missing(self) -> int:
        return max(0, self.needed - self.given)

    @property
    def can_be_reached(self) -> bool:
        return self.left >= self.missing


def tally(needed: int, author_id: int | None, approved_by: Collection[int], may: Collection[int]) -> Tally:
    """`needed` 0 (nobody asks for approval any more): one is enough. Only those who still may approve count."""
    given = {one for one in approved_by if one in may and one != author_id}
    return Tally(len(given), max(1, needed), len(set(may) - given - {author_id}))


def void_sentence(
    code: str, *, subject: str, place: str, author: str, by: str | None = None, everywhere: bool = False
) -> str:
    """Why a request stands no longer, in words; `everywhere`: it was to change all environments at once."""
    whose, there = f", by {by}." if by else ".", "" if everywhere else f" in {place}"
    return {
        "gone": f"{subject} or {place} is not there any more.",
        "archived": f"{subject} was archived{whose}",
        "restored": f"{subject} was restored already{whose}",
        "changed": f"{subject} was changed{there} since{whose}",
        "over": "What was scheduled is over, or was given up already.",
        "passed": "The time at which it was to begin passed before it was approved.",
        "author": f"{author} may not change flags{there} any more.",
        "expired": f"Nobody decided within {LASTS.days} days.",
    }[code]


def subject_of(action: str, subject: str, place: str) -> str:
    """What the audit log calls it: bucketing is of the environment itself."""
    return place if action == "flag.bucketing" else f"{subject} in {place}"


def why_not_decide(kind: str, *, is_own: bool, has_approved: bool, role: str, place: str, may: bool) -> str | None:
    """Why this person may not approve, reject or review; None: they may."""
    if is_own:
        return "It is your own: somebody else has to " + ("look at it." if kind == "review" else "approve it.")
    if not may:
        return f"Deciding takes the role operator in {place}; yours is {role or 'none'}."
    if has_approved:
        return "You have approved it."
    return None


def comment_of(text: str, *, needed: bool) -> str:
    """Raises Invalid."""
    if needed and not text.strip():
        raise Invalid({"comment": "Say why, for those who read this later."})
    if len(text) > LONGEST or "\x00" in text:
        raise Invalid({"comment": f"At most {LONGEST:,} characters."})
    return text.strip()
