"""Takes the generic plans of the busiest families once an hour, and soon after a change that may have moved them."""

import time
from datetime import datetime, timedelta

from dashboard.changes.queries import marks
from dashboard.plans import ask
from dashboard.plans.edits import forget_old, keep_capture, keep_plan, keep_question
from dashboard.plans.forms import Wish
from dashboard.plans.masks import TooLargeError
from dashboard.plans.queries import last_capture, refused_since
from dashboard.plans.recorded import why_no_plan
from dashboard.plans.refusals import Refusal
from dashboard.statements.models import StatementFamily
from dashboard.statements.queries import family_of, slowest_families
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.connect import TargetUnreachable
from dashboard.targets.models import Target

PROBE = "plans"
CADENCE: Cadence = "five_minutes"
EVERY, SLACK = timedelta(hours=1), timedelta(minutes=2)
SPAN = timedelta(hours=3)
ASKED_AGAIN = timedelta(days=1)
MOST_PLANS, MOST_FAMILIES, MOST_S = 20, 60, 5.0
MOVING = {"migration", "schema", "index", "rewrite", "analyze", "setting"}
GENERIC = Wish("generic")


def collect(collection: Collection) -> None:
    """Without a role to explain there is nothing to do."""
    target, now = collection.target, collection.slot
    if not ask.is_opted_in(target) or not (moved := _is_due(target.id, now)):
        return
    families = _families(target.id, now, all_again=moved == "changed")
    if not families:
        return
    try:
        planned, refused = _capture(target, families, now)
    except TargetUnreachable as failure:
        collection.partial(f"The explaining role cannot ask: {failure.sentence}")
        return
    is_cut = planned + refused < len(families)
    keep_capture(target.id, now, planned=planned, refused=refused, is_cut=is_cut)
    forget_old(target.id, now)
    collection.done(planned)


def _is_due(target_id: int, now: datetime) -> str | None:
    """`hourly`, or `changed` when something since the last time may have given statements other plans."""
    last = last_capture(target_id)
    if last is None:
        return "hourly"
    if any(mark["kind"] in MOVING for mark in marks(target_id, last.captured_at, now)):
        return "changed"
    return "hourly" if now - last.captured_at >= EVERY - SLACK else None


def _families(target_id: int, now: datetime, *, all_again: bool) -> list[StatementFamily]:
    """The busiest ones that can have a plan; what the server refused waits a day, or for a change."""
    waiting = set() if all_again else refused_since(target_id, now - ASKED_AGAIN)
    busiest = slowest_families(now - SPAN, MOST_FAMILIES, target_id)
    families = [family_of(target_id, row.id) for row in busiest if row.id not in waiting]
    able = [one for one in families if why_no_plan(one.text, is_truncated=one.text_truncated) is None]
    return able[:MOST_PLANS]


def _capture(target: Target, families: list[StatementFamily], now: datetime) -> tuple[int, int]:
    """How many were planned and refused; none is begun after five seconds. Raises TargetUnreachable."""
    planned, refused, deadline = 0, 0, time.monotonic() + MOST_S
    with ask.asking(target, timeout_ms=1_000) as asked:
        for family in families:
            if time.monotonic() > deadline:
                break
            refusal = _one(target, family, asked, now)
            keep_question(target.id, family.id, "generic", now, asked_by=None, refusal=refusal)
            planned, refused = planned + (refusal is None), refused + (refusal is not None)
    return planned, refused


def _one(target: Target, family: StatementFamily, asked: ask.Asking, now: datetime) -> Refusal | None:
    try:
        keep_plan(target.id, family.id, family.text, asked.plan(family.text, GENERIC), now, asked_by=None)
    except ask.Refused as refused:
        return ask.helped(target, family.text, refused.refusal)
    except TooLargeError:
        return Refusal(None, ask.TOO_DEEP)
    return None
