"""Changes of flags that happen at a time: planned, cancelled, and written down as versions once their time has come.

What applications get changes by itself at that second, in every evaluator, because the steps are compiled into what is
served (`flags.compiled`). The job that is late, or down, is late only with the history.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select

from dashboard.errors import Conflict, Invalid, PilothouseError
from dashboard.flags import compare, rules, segments, serving, standing, targeting
from dashboard.flags.carrying import end
from dashboard.flags.holding import CANCEL, NeedsApproval, Proposal, Waiver, review
from dashboard.flags.ledger import announce, claim, document_of, write_down
from dashboard.flags.models import Flag
from dashboard.flags.rules import Definition
from dashboard.flags.saving import check_schema, check_version, locked, locked_setting, put
from dashboard.flags.schedule_models import FlagSchedule
from dashboard.flags.schedule_queries import pending_of, schedule_by, to_look_at
from dashboard.security.authors import current_author, on_behalf_of
from dashboard.security.role_queries import who_may
from dashboard.store import db
from dashboard.targets.models import Environment

SOONEST_S = 10
LATEST_S = 366 * 86_400
Steps = Sequence[tuple[int, dict[str, Any]]]


def steps_of(flag: Flag, definitions: Sequence[tuple[int, Definition]]) -> Steps:
    """Definitions at their times, as they are kept. Raises Invalid."""
    for _, later in definitions:
        if problems := rules.problems_of(later, flag.type):
            raise Invalid(problems)
    return [(at, rules.document_of(rules.normal(later, flag.type))) for at, later in definitions]


def plan(
    flag: Flag,
    environment: Environment,
    steps: Steps,
    *,
    version: int,
    title: str,
    reason: str | None,
    operation_id: str | None = None,
    author_id: int | None = None,
    waived: Waiver | None = None,
) -> FlagSchedule | None:
    """The flag becomes this, step by step; None when the form was carried out before.

    Raises Invalid, Stale, Conflict when something else is to come already, NeedsApproval where that is not `waived`.
    """
    repeated = not claim(operation_id)
    flag, setting = locked_setting(flag, environment)
    if setting is None:
        raise Invalid({"environment": f"{flag.key} is not set in {environment.slug} yet."})
    if repeated:
        return None
    check_version(flag, environment, setting, version, steps[-1][1])
    before = document_of(setting)
    _check(flag, environment, before, steps)
    last = steps[-1][1]
    if environment.approvals_needed and waived is None:
        named = (flag.key, flag, environment, "flag.schedule", title)
        raise NeedsApproval([Proposal(*named, before, last, version, reason, steps)])
    planned = _planned(flag, environment, setting.version, steps, title)
    planned.reason, planned.author_id, planned.is_approved = reason or title, author_id, waived == "approved"
    db.session.add(planned)
    announce([environment.id], serving.refresh(environment, [flag.id]))
    write_down("flag.schedule", flag, environment, title, before=before, after=last, reason=reason)
    return planned


def _planned(flag: Flag, environment: Environment, version: int, steps: Steps, title: str) -> FlagSchedule:
    return FlagSchedule(
        flag=flag, environment=environment, base_version=version, stands_on=version,
        steps=[list(step) for step in steps], title=title, author=current_author(), next_at=_time(steps[0][0]),
    )  # fmt: skip


def cancel(text: str, *, reason: str | None = None, waived: Waiver | None = None) -> FlagSchedule:
    """Nothing more of it happens; what happened stays. Raises NotFound, Conflict when it is over.

    What others approved others give up too: raises Invalid without a reason and NeedsApproval, unless that is `waived`.
    Only a flag that is off stays off at once, as one that is on is turned off: that opens a review.
    """
    found = _held(schedule_by(text))
    if found.state == "cancelled":
        return found
    if found.state != "pending":
        raise Conflict(f"This schedule is {found.state} already.")
    needs_others = found.is_approved and found.environment.approvals_needed > 0 and waived is None
    if needs_others and not reason:
        raise Invalid({"reason": "Say why: others approved it, and somebody else reads this."})
    change = _cancelling(found, reason)
    if needs_others and not _is_off(found):
        raise NeedsApproval([change])
    end(found, "cancelled", reason)
    _serve_anew(found)
    if needs_others:
        review(change)
    return found


def _is_off(found: FlagSchedule) -> bool:
    _, setting = locked_setting(found.flag, found.environment)
    return setting is not None and not setting.enabled


def _cancelling(found: FlagSchedule, reason: str | None) -> Proposal:
    before = {"schedule": str(found.public_id), "to come": found.title}
    return Proposal(
        found.flag.key, found.flag, found.environment, CANCEL, f"Cancelled: {found.title}", before,
        before | {"to come": "nothing more of it"}, found.stands_on, reason,
    )  # fmt: skip


def carry_out() -> int:
    """Make versions of the steps whose time has come, and void what stands no longer; how many. A job."""
    done = 0
    for public_id in to_look_at():
        while _carried_out(_held(schedule_by(str(public_id)))):
            db.session.commit()
            done += 1
        db.session.commit()
    return done


def _carried_out(found: FlagSchedule) -> bool:
    """Whether one more step was made, or the rest given up."""
    if found.state != "pending" or found.next_at is None:
        return False
    try:
        with db.session.begin_nested(), on_behalf_of(found.author):
            if why := _why_not(found):
                raise Conflict(why)
            if not _is_due(found):
                return False
            _make(found)
    except PilothouseError as refused:
        end(found, "void", refused.sentence)
        _serve_anew(found)
    return True


def _make(found: FlagSchedule) -> None:
    flag, setting = locked_setting(found.flag, found.environment)
    if setting is None or setting.version != found.stands_on:
        raise Conflict("The flag changed since.")
    (at, document), *left = found.coming
    _still_fits(flag, found.environment, document)
    is_there = compare.same_json(document, document_of(setting))
    found.steps = [*found.steps[: found.done_steps], [at, document], *([at, later] for at, later in left)]
    found.done_steps, found.carried = found.done_steps + 1, None
    found.base_version = found.stands_on = setting.version + (not is_there)
    if left:
        found.next_at = _time(left[0][0])
    else:
        end(found, "done", None)
    db.session.flush()
    told = f"scheduled for {_time(at):%Y-%m-%d %H:%M:%S} UTC by {found.author}"
    reason = told if found.reason == found.title else f"{found.reason} ({told})"
    if is_there:
        _serve_anew(found)
        return
    put(
        flag, found.environment, setting, document, action="flag.scheduled", reason=reason, waived="approved",
        at=_time(at),
    )  # fmt: skip


def _check(flag: Flag, environment: Environment, before: dict[str, Any], steps: Steps) -> None:
    if pending_of(flag.id, environment.id):
        raise Conflict(f"Something is scheduled for {flag.key} in {environment.slug} already. Cancel that first.")
    now = int(db.session.scalars(select(func.extract("epoch", func.clock_timestamp()))).one())
    times = [at for at, _ in steps]
    if times[0] < now + SOONEST_S:
        raise Invalid({"at": "This time has passed, or is too close. Choose a later one."})
    if times != sorted(set(times)) or times[-1] > now + LATEST_S:
        raise Invalid({"at": "Choose a time within a year."})
    if all(compare.same_json(before, document) for _, document in steps):
        raise Invalid({"at": "This is what the flag is already: nothing would change."})
    for _, document in steps:
        _still_fits(flag, environment, document)
        standing.check(flag, environment, before, document)
        check_schema(flag, before, document)
        before = document


def _why_not(found: FlagSchedule) -> str | None:
    """Why it may not happen any more, though nobody changed the flag."""
    if found.environment.approvals_needed and not found.is_approved:
        return f"Changes in {found.environment.slug} need approval by now, and this one has none."
    if found.author_id is None:
        return None if _never_was_an_account(found) else f"The account of {found.author} is gone."
    if found.author_id not in {one.id for one in who_may("operator", found.environment_id)}:
        return f"{found.author} may not change flags in {found.environment.slug} any more."
    return None


def _never_was_an_account(found: FlagSchedule) -> bool:
    return found.author.startswith(("cli:", "worker"))


def _still_fits(flag: Flag, environment: Environment, document: dict[str, Any]) -> None:
    problems = rules.problems_of(rules.definition_of(document), flag.type)
    if gone := set(targeting.references(document.get("targeting"))) - set(segments.names_of(environment)):
        problems["targeting"] = f"There is no segment {min(gone)} any more."
    if problems:
        raise Invalid(problems)


def _held(found: FlagSchedule) -> FlagSchedule:
    """Ours until the end of the transaction; its flag and all that changes with it there, before it."""
    locked(found.flag.key)
    serving.hold(found.environment)
    wanted = select(FlagSchedule).where(FlagSchedule.id == found.id).with_for_update()
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()


def _serve_anew(found: FlagSchedule) -> None:
    announce([found.environment_id], serving.refresh(found.environment, [found.flag_id]))


def _is_due(found: FlagSchedule) -> bool:
    """By the store's clock: the one that all workers share."""
    return bool(db.session.scalar(select(func.clock_timestamp() >= found.next_at)))


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
