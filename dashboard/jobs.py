"""The task queue and the timetable of periodic jobs; every job is safe to run twice."""

import asyncio
import gc
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import procrastinate
from flask import Flask, current_app
from procrastinate import JobContext, RetryStrategy
from procrastinate.exceptions import AlreadyEnqueued, JobAborted, UniqueViolation
from sqlalchemy import or_, select

from dashboard import retention, rollup
from dashboard.activity import collect as activity
from dashboard.activity import rollups as activity_rollups
from dashboard.activity.sampling import sample_minute
from dashboard.advice import collect as advice
from dashboard.alerts.collect import check
from dashboard.alerts.deliver import deliver
from dashboard.alerts.flag_telling import tell_of_flags
from dashboard.approvals import edits as approvals
from dashboard.flags import rollups as flag_rollups
from dashboard.flags import schedules
from dashboard.flags.rank import rank as rank_all_flags
from dashboard.history import collect as history
from dashboard.plans import collect as plans
from dashboard.schema import collect as schema
from dashboard.server import collect as server
from dashboard.server import collect_connections as connections
from dashboard.server import collect_io as io
from dashboard.server import collect_replication as replication
from dashboard.server import rollups as server_rollups
from dashboard.statements import collect as statements
from dashboard.statements import rollups as statement_rollups
from dashboard.statements.rank import rank
from dashboard.statements.relate import relate as relate_statements
from dashboard.store import db, libpq_url
from dashboard.tables import bloat_collect as bloat
from dashboard.tables import collect as tables
from dashboard.tables import judge as index_findings
from dashboard.tables import rollups as table_rollups
from dashboard.targets import collect as capabilities
from dashboard.targets import rollups as capability_rollups
from dashboard.targets.collection import Collector
from dashboard.targets.models import Target
from dashboard.targets.run import Interrupted, collect_target
from dashboard.vacuum import collect as vacuum
from dashboard.vacuum import rollups as vacuum_rollups
from dashboard.vacuum import sequence_collect as sequences

log = logging.getLogger(__name__)

ROLLUPS = (
    *capability_rollups.ROLLUPS, *activity_rollups.ROLLUPS, *server_rollups.ROLLUPS, *table_rollups.ROLLUPS,
    *statement_rollups.ROLLUPS, *vacuum_rollups.ROLLUPS, *flag_rollups.ROLLUPS,
)  # fmt: skip
COLLECTORS: tuple[Collector, ...] = (
    capabilities, server, connections, io, replication, statements, activity, tables, bloat, vacuum, sequences, schema,
    history, index_findings, plans, advice,
)  # fmt: skip
CONCURRENCY = 5  # one place is the sampling's, which takes nearly the whole minute
QUEUE_CONNECTION = {
    "options": "-c search_path=queue",
    "application_name": "pilothouse-queue",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
GRACE_S = 8.0
BEAT_S = 5.0
STALLED_S = 30.0
KEEP_JOBS_H = 24
GIVEN_BACK = RetryStrategy(max_attempts=3, retry_exceptions=(JobAborted,))


def make_queue(app: Flask) -> procrastinate.App:
    """The queue in the store's schema `queue`, with every task and when it runs."""
    settings = app.extensions["pilothouse_settings"]
    connector = procrastinate.PsycopgConnector(
        conninfo=libpq_url(app.config["SQLALCHEMY_DATABASE_URI"]),
        min_size=1,
        max_size=CONCURRENCY + 2,
        timeout=settings.store_connect_s,
        kwargs=QUEUE_CONNECTION,
    )
    queue = procrastinate.App(connector=connector)
    queue.task(name="collect", pass_context=True, retry=GIVEN_BACK)(collect)
    for cron, name, job in (
        ("* * * * *", "collect_all", collect_all),
        ("* * * * *", "sample_sessions", sample_sessions),
        ("* * * * *", "alerts", alerts),
        ("* * * * *", "relate", relate),
        ("* * * * * */20", "tell", tell),
        ("* * * * * */10", "carry_out_schedules", carry_out_schedules),
        ("* * * * *", "rank_flags", rank_flags),
        ("*/5 * * * *", "tidy_approvals", tidy_approvals),
        ("11 * * * *", "keep_house", keep_house),
    ):
        task = queue.task(name=name, pass_context=True, lock=name, queueing_lock=name)(job)
        queue.periodic(cron=cron)(task)
    for cron, name, chore in (
        ("* * * * * */30", "retry_stalled", retry_stalled),
        ("23 * * * *", "forget_jobs", forget_jobs),
    ):
        queue.periodic(cron=cron)(queue.task(name=name, pass_context=True, queueing_lock=name)(chore))
    return queue


def run_worker(app: Flask, beat: Callable[[], None] = lambda: None) -> None:
    """Work until SIGTERM; `beat` is called while the queue answers. A job under way is ended or given back."""
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    with app.app_context():
        retention.keep_house(datetime.now(UTC), app.extensions["pilothouse_settings"].keep_days_d)
    gc.freeze()  # what lives for ever is not looked at again: that would cost 0.1 s in the middle of a reading
    asyncio.run(_work(make_queue(app), app, beat))


async def _work(queue: procrastinate.App, app: Flask, beat: Callable[[], None]) -> None:
    async with queue.open_async():
        beating = asyncio.create_task(_beat(queue, beat))
        try:
            await queue.run_worker_async(
                concurrency=CONCURRENCY,
                shutdown_graceful_timeout=GRACE_S,
                fetch_job_polling_interval=2.0,
                stalled_worker_timeout=STALLED_S,
                delete_jobs="successful",
                task_middleware=[in_app(app)],
            )
        finally:
            beating.cancel()


def in_app(app: Flask) -> Callable[[Callable[[], Any], JobContext, Any], Any]:
    """Every job runs in an app context of its own."""

    def middleware(run: Callable[[], Any], _context: JobContext, _worker: Any) -> Any:
        with app.app_context():
            return run()

    return middleware


async def _beat(queue: procrastinate.App, beat: Callable[[], None]) -> None:
    """Signs of life: only while the loop turns and the store answers it."""
    while True:
        await queue.connector.execute_query_one_async("select 1 as alive")
        beat()
        await asyncio.sleep(BEAT_S)


def collect_all(context: JobContext, timestamp: int) -> None:
    """One job a target for this minute; a target whose last job still waits is left alone."""
    now = datetime.now(UTC)
    awake = select(Target.id).where(or_(Target.next_attempt_at.is_(None), Target.next_attempt_at <= now))
    for target_id in db.session.scalars(awake.order_by(Target.id)):
        name = f"target:{target_id}"
        try:
            deferrer = context.app.configure_task("collect", lock=name, queueing_lock=name)
            deferrer.defer(target_id=target_id, timestamp=timestamp)
        except AlreadyEnqueued:
            log.info("target %s: its last collection still waits", target_id)


def collect(context: JobContext, target_id: int, timestamp: int) -> None:
    started = time.monotonic()
    slot = datetime.fromtimestamp(timestamp, UTC)
    try:
        outcome = collect_target(target_id, slot, COLLECTORS, stopping=context.should_abort)
    except Interrupted:
        raise JobAborted from None
    if statements.PROBE in outcome.stored:
        rank(target_id)
        db.session.commit()
    log.info(
        "collected target %s in %d ms: %s",
        target_id,
        (time.monotonic() - started) * 1000,
        outcome.unreachable or outcome.skipped or f"{len(outcome.stored)} stored, not available {outcome.unavailable}",
    )


def sample_sessions(context: JobContext, timestamp: int) -> None:
    """The active-session history of this minute, of all targets; its successor waits for its end."""
    if looked_at := sample_minute(datetime.fromtimestamp(timestamp, UTC), context.should_abort):
        log.info("sampled the sessions of %d targets", looked_at)


def alerts(_context: JobContext, timestamp: int) -> None:
    if check(datetime.fromtimestamp(timestamp, UTC)):
        log.info("alerts changed")


def tell(context: JobContext, timestamp: int) -> None:
    tell_of_flags(datetime.fromtimestamp(timestamp, UTC))
    db.session.commit()
    if sent := deliver(context.should_abort):
        log.info("%d messages about alerts and flags went out", sent)


def carry_out_schedules(_context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - the queue passes it
    if done := schedules.carry_out():
        log.info("%d scheduled changes of flags were written down", done)


def rank_flags(_context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - the queue passes it
    rank_all_flags(datetime.now(UTC))
    db.session.commit()


def tidy_approvals(_context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - the queue passes it
    if void := approvals.tidy():
        log.info("%d requests for approval became void", void)


def relate(context: JobContext, timestamp: int) -> None:
    if read := relate_statements(datetime.fromtimestamp(timestamp, UTC), is_stopping=context.should_abort):
        log.info("%d new statements were read for the tables they name", read)


def keep_house(context: JobContext, timestamp: int) -> None:
    settings, now = current_app.extensions["pilothouse_settings"], datetime.fromtimestamp(timestamp, UTC)
    changed = retention.keep_house(now, settings.keep_days_d)
    kept = {"minutes_d": settings.keep_minutes_d, "hours_d": settings.keep_hours_d}
    rolled = rollup.roll_up(now, ROLLUPS, **kept, is_stopping=context.should_abort)
    merged = retention.merge_months(now, settings.keep_hours_d)
    log.info(
        "house kept: %d partitions came or went, %d days were rolled up, %d months merged", changed, rolled, merged
    )


async def retry_stalled(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - the queue passes it
    """Jobs of workers that died are given to the living; one whose successor waits is over, and its lock is free."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            await manager.finish_job(job, procrastinate.jobs.Status.FAILED, delete_job=False)


async def forget_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - the queue passes it
    await context.app.job_manager.delete_old_jobs(
        nb_hours=KEEP_JOBS_H, include_failed=True, include_cancelled=True, include_aborted=True
    )
