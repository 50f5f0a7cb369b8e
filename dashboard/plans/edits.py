"""Asks for plans and keeps them: the same shape goes on, another one begins; and why there was none, if so."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from dashboard.plans import ask
from dashboard.plans.ask import Answer
from dashboard.plans.forms import Wish
from dashboard.plans.masks import TooLargeError, kept, node_count, shape_of
from dashboard.plans.models import Plan, PlanCapture, PlanQuestion
from dashboard.plans.recorded import why_no_plan, why_not_run
from dashboard.plans.refusals import Refusal
from dashboard.statements.models import StatementFamily
from dashboard.store import db
from dashboard.targets.connect import TargetUnreachable
from dashboard.targets.models import Target

KEEPING = 7_012_028 << 32
KEEP_RUNS = timedelta(days=90)
KEEP_PAST = timedelta(days=730)


def ask_and_keep(target: Target, family: StatementFamily, wish: Wish, now: datetime, *, asked_by: str) -> Plan | None:
    """The plan, or None with the refusal kept in its place. Asks the target, for seconds at most."""
    plan, refusal = None, _refusal(family, wish)
    if refusal is None:
        try:
            answer = ask.plan(target, family.text, wish)
            plan = keep_plan(target.id, family.id, family.text, answer, now, asked_by=asked_by)
        except ask.Refused as refused:
            refusal = refused.refusal
        except TooLargeError:
            refusal = Refusal(None, ask.TOO_DEEP)
        except TargetUnreachable as failure:
            refusal = Refusal(None, failure.sentence)
    keep_question(target.id, family.id, wish.kind, now, asked_by=asked_by, refusal=refusal)
    return plan


def keep_plan(
    target_id: int, family_id: int, text: str, answer: Answer, now: datetime, *, asked_by: str | None
) -> Plan:
    """The stored plan. Raises TooLargeError."""
    document = kept(answer.document, text)
    shape, cost = shape_of(document), float(document["Plan"]["Total Cost"])
    valid = _valid(family_id, answer.kind)
    if valid is not None and valid.shape == shape:
        valid.document, valid.nodes, valid.cost = document, node_count(document), cost
        valid.seen_at, valid.server_version = now, answer.server_version
        return valid
    if valid is not None:
        valid.valid_until = now
        db.session.flush()
    plan = Plan(
        target_id=target_id,
        family_id=family_id,
        kind=answer.kind,
        shape=shape,
        document=document,
        nodes=node_count(document),
        cost=cost,
        execution_ms=document.get("Execution Time"),
        search_path=answer.search_path,
        server_version=answer.server_version,
        asked_by=asked_by,
        valid_from=now,
        seen_at=now,
    )
    db.session.add(plan)
    db.session.flush()
    return plan


def keep_question(
    target_id: int, family_id: int, kind: str, now: datetime, *, asked_by: str | None, refusal: Refusal | None
) -> None:
    """The last question for this family; without a refusal it was answered."""
    values = {
        "target_id": target_id,
        "kind": kind,
        "asked_at": now,
        "asked_by": asked_by,
        "sqlstate": refusal.sqlstate if refusal else None,
        "refusal": refusal.sentence if refusal else None,
        "remedy_sql": refusal.remedy_sql if refusal else None,
    }
    row = insert(PlanQuestion).values(family_id=family_id, **values)
    db.session.execute(row.on_conflict_do_update(index_elements=["family_id"], set_=values))


def keep_capture(target_id: int, now: datetime, *, planned: int, refused: int, is_cut: bool) -> None:
    values = {"captured_at": now, "planned": planned, "refused": refused, "is_cut": is_cut}
    row = insert(PlanCapture).values(target_id=target_id, **values)
    db.session.execute(row.on_conflict_do_update(index_elements=["target_id"], set_=values))


def forget_old(target_id: int, now: datetime) -> None:
    """Runs after a quarter of a year, plans that are valid no more after two years."""
    runs = (Plan.kind == "analyze") & (Plan.valid_from < now - KEEP_RUNS)
    old = or_(runs, Plan.valid_until < now - KEEP_PAST)
    db.session.execute(delete(Plan).where(Plan.target_id == target_id, old))


def _refusal(family: StatementFamily, wish: Wish) -> Refusal | None:
    """What we refuse before anybody is asked."""
    reason = why_no_plan(family.text, is_truncated=family.text_truncated)
    if reason is None and wish.kind == "analyze":
        reason = why_not_run(family.text)
    return Refusal(None, reason) if reason else None


def _valid(family_id: int, kind: str) -> Plan | None:
    """The plan that is valid now, for us alone until the commit; an `analyze` never goes on."""
    if kind == "analyze":
        return None
    db.session.execute(select(func.pg_advisory_xact_lock(KEEPING | family_id)))
    return db.session.scalar(
        select(Plan).where(Plan.family_id == family_id, Plan.kind == kind, Plan.valid_until.is_(None))
    )
