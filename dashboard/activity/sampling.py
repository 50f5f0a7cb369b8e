"""Looks at the busy sessions of every target, every few seconds, for one minute.

One job looks at all targets, so that however many there are the queue keeps its places for collecting; eight threads
take turns, so that a target that does not answer delays only itself. Nothing of it holds a connection of the store
while it looks, and a target's collection is never waited for.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, current_app

from dashboard.activity import edits, sampled
from dashboard.activity.waits import Minute
from dashboard.store import db
from dashboard.targets.connect import TargetBusy, TargetRefused, TargetUnreachable, address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.pools import Address
from dashboard.targets.probes import Probe

log = logging.getLogger(__name__)

LOOK = Probe.read(__file__, "look.sql")
LASTS = timedelta(seconds=58)
SHORTEST_S = 2.0
THREADS = 8
NAP_S = 0.2
LIMIT_MS, LOCK_LIMIT_MS = 1_000, 100


@dataclass
class Watched:
    """A target while its minute lasts; `is_over` when it refused or could not be reached."""

    target_id: int
    address: Address
    pace_s: float
    due_s: float
    minute: Minute = field(default_factory=Minute)
    looking: Future[None] | None = None
    is_over: bool = False


def sample_minute(slot: datetime, is_stopping: Callable[[], bool]) -> int:
    """Look until two seconds before the minute ends, then store; how many targets were looked at. Starting late it
    looks for what is left; told to stop it stores what it has.
    """
    lasts_s = seconds_left(slot, datetime.now(UTC))
    if lasts_s < SHORTEST_S:
        return 0
    until_s = time.monotonic() + lasts_s
    targets = _watched(time.monotonic())
    db.session.rollback()
    if targets:
        _look_until(targets, until_s, is_stopping)
    seen = [one for one in targets if one.minute.costs_ms]
    for one in seen:
        edits.keep_minute(one.target_id, slot, one.minute)
        db.session.commit()
    return len(seen)


def seconds_left(slot: datetime, now: datetime) -> float:
    """Of the minute that begins at the slot; a clock that was set back makes no minute longer."""
    return min(slot + LASTS - now, LASTS).total_seconds()


def _watched(now_s: float) -> list[Watched]:
    """The targets whose sampling is on, their first looks spread over two seconds."""
    found: list[Watched] = []
    due = sampled.due_targets(datetime.now(UTC))
    for number, (target, pace_s) in enumerate(due):
        address = _address(target)
        if address is not None:
            found.append(Watched(target.id, address, pace_s, now_s + 2.0 * number / len(due)))
    return found


def _address(target: Target) -> Address | None:
    try:
        return address_of(target)
    except TargetUnreachable as problem:
        log.info("target %s is not sampled: %s", target.slug, problem.sentence)
        return None


def _look_until(targets: list[Watched], until_s: float, is_stopping: Callable[[], bool]) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - for threads
    with ThreadPoolExecutor(min(THREADS, len(targets)), thread_name_prefix="look") as threads:
        while (now_s := time.monotonic()) < until_s and not is_stopping():
            for one in targets:
                if one.due_s <= now_s and not one.is_over and (one.looking is None or one.looking.done()):
                    one.due_s = max(one.due_s + one.pace_s, now_s)
                    one.looking = threads.submit(_look, app, one)
            awake = [one.due_s for one in targets if not one.is_over]
            if not awake:
                return
            time.sleep(min(NAP_S, max(0.01, min(awake) - now_s)))


def _look(app: Flask, one: Watched) -> None:
    """One look; what fails ends the target's minute, the next one tries again."""
    try:
        with app.app_context():
            one.minute.add(_ask(one.address))
    except TargetBusy:
        return
    except (TargetRefused, TargetUnreachable) as failure:
        one.is_over = True
        if isinstance(failure, TargetRefused) and failure.sqlstate == "57014":
            one.minute.costs_ms.append(float(LIMIT_MS))
        log.info("target %s is not sampled for the rest of the minute: %s", one.target_id, failure.sentence)


def _ask(address: Address) -> dict[str, Any]:
    with reading(address, statement_timeout_ms=LIMIT_MS, lock_timeout_ms=LOCK_LIMIT_MS, wait_s=NAP_S) as reader:
        begun_ms = reader.target_ms
        row = reader.ask(LOOK)[0]
        # The server tells how long it executed, not how long it planned. What we waited is all of it and one way
        # there and back; beginning the transaction was two of those and little work.
        waited_ms = reader.target_ms - begun_ms
        return row | {"look_ms": max(row["look_ms"], waited_ms - begun_ms / 2)}
