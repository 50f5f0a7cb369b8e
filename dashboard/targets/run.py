"""One collection of one target: every probe that is due, each in transactions of its own, never two at a time."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from dashboard.store import db
from dashboard.targets.collection import Collection, Collector
from dashboard.targets.connect import TargetBusy, TargetRefused, TargetUnreachable, address_of, reading
from dashboard.targets.models import ProbeState, Target
from dashboard.targets.queries import probe_state
from dashboard.targets.states import Cost, keep_cost, keep_probe_state, mark_reachable, mark_unreachable
from dashboard.targets.timetable import is_due

log = logging.getLogger(__name__)

TURNS = 7_012_027 << 32
WAIT_S = 30.0
AHEAD = timedelta(minutes=2)  # as far as the clocks of two workers may differ
OUR_FAULT = "Something went wrong on our side; it was logged."


class Interrupted(Exception):  # noqa: N818 - reads as what happened
    """Asked to stop between two probes; what was collected is stored."""


@dataclass
class Outcome:
    """`skipped` and `unreachable` are sentences; `unavailable` maps a probe to why."""

    stored: list[str] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)
    unreachable: str | None = None
    skipped: str | None = None


def collect_target(
    target_id: int,
    slot: datetime,
    collectors: Sequence[Collector],
    *,
    by_hand: bool = False,
    stopping: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Collect what is due; by hand everything, also from a target that rests. Raises Interrupted."""
    with turn(target_id) as ours:
        target = db.session.get(Target, target_id)
        if not ours:
            return Outcome(skipped="Another collection of this target is still running.")
        if target is None:
            return Outcome(skipped="The target was removed.")
        if not by_hand and target.next_attempt_at is not None and target.next_attempt_at > _now():
            return Outcome(skipped="The target rests after a failure.")
        return _collect(target, slot, collectors, by_hand=by_hand, stopping=stopping)


@contextmanager
def turn(target_id: int, wait_s: float = WAIT_S) -> Iterator[bool]:
    """Whether it is our turn to collect; a lock of a transaction, which ends with this process however that ends."""
    with db.engine.connect() as connection, connection.begin():
        deadline = time.monotonic() + wait_s
        question = text("select pg_try_advisory_xact_lock(:key)")
        while not (ours := bool(connection.scalar(question, {"key": TURNS | target_id}))):
            if time.monotonic() > deadline:
                break
            time.sleep(0.2)
        yield ours


def _collect(
    target: Target, slot: datetime, collectors: Sequence[Collector], *, by_hand: bool, stopping: Callable[[], bool]
) -> Outcome:
    outcome, cost, target_id = Outcome(), Cost(started_at=_now()), target.id
    for collector in collectors:
        state = probe_state(target_id, collector.PROBE)
        if not by_hand and not _is_due(collector, target_id, slot, _tried_at(state)):
            continue
        if stopping():
            raise Interrupted
        try:
            _probe(target, slot, collector, cost, outcome)
        except TargetBusy as busy:
            outcome.skipped = busy.sentence
            return outcome
        except TargetUnreachable as failure:
            db.session.rollback()
            mark_unreachable(target, failure, _now())
            db.session.commit()
            outcome.unreachable = failure.sentence
            return outcome
    if cost.statements:
        mark_reachable(target_id, _now())
        keep_cost(target_id, slot, cost, _now())
        db.session.commit()
    return outcome


def _tried_at(state: ProbeState | None) -> datetime | None:
    """None also where it lies ahead: the clock was set back, and nothing would be due until it has caught up."""
    return None if state is None or state.tried_at > _now() + AHEAD else state.tried_at


def _is_due(collector: Collector, target_id: int, slot: datetime, tried_at: datetime | None) -> bool:
    """By its cadence; a collector that has `is_due_sooner` is asked every five minutes whether it wants to."""
    if is_due(collector.CADENCE, slot, tried_at):
        return True
    sooner: Callable[[int, datetime], bool] | None = getattr(collector, "is_due_sooner", None)
    return sooner is not None and is_due("five_minutes", slot, tried_at) and sooner(target_id, slot)


def _probe(target: Target, slot: datetime, collector: Collector, cost: Cost, outcome: Outcome) -> None:
    """Ask and store one probe; what the target or our own code refuses costs only this probe."""
    started_at, target_id, probe = _now(), target.id, collector.PROBE
    try:
        with reading(address_of(target)) as reader:
            collection = Collection(target=target, slot=slot, now=started_at, reader=reader)
            try:
                collector.collect(collection)
            finally:
                cost.add(reader)
                cost.cadences.add(collector.CADENCE)
    except TargetRefused as refused:
        _not_answered(target_id, probe, started_at, refused.sentence, refused.remedy_sql)
        outcome.unavailable[probe] = refused.sentence
    except TargetUnreachable:
        raise
    except Exception:
        # The boundary of the features: a mistake in one of them must not end the collection of the others.
        log.exception("target %s: probe %s failed", target_id, probe)
        _not_answered(target_id, probe, started_at, OUR_FAULT, None)
        outcome.unavailable[probe] = OUR_FAULT
    else:
        keep_probe_state(
            target_id,
            probe,
            tried_at=started_at,
            ended_at=_now(),
            rows=collection.rows,
            reason=collection.reason,
            remedy_sql=collection.remedy_sql,
        )
        outcome.stored.append(probe)
    db.session.commit()


def _not_answered(target_id: int, probe: str, tried_at: datetime, reason: str, remedy_sql: str | None) -> None:
    db.session.rollback()
    keep_probe_state(
        target_id, probe, tried_at=tried_at, ended_at=_now(), failed=True, reason=reason, remedy_sql=remedy_sql
    )


def _now() -> datetime:
    return datetime.now(UTC)
