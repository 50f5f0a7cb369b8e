"""The queue in the store: jobs once per target and minute, given back when the worker ends."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from sqlalchemy import select, text

from dashboard import jobs
from dashboard.store import db
from dashboard.targets.edits import add_target
from dashboard.targets.models import ProbeState
from dashboard.targets.queries import target_by_slug

TIMESTAMP = int(datetime.now(UTC).timestamp()) // 60 * 60


@pytest.fixture
def queue_app(cloned_store: Flask, target_db):
    """One target that is watched by the superuser."""
    with cloned_store.app_context():
        password = target_db.server.password("postgres")
        values = {"slug": "shop", "host": target_db.host, "dbname": target_db.name, "user": "postgres"}
        add_target(values | {"password": password}, origin="command")
        db.session.commit()
        yield cloned_store
        db.session.rollback()
        cloned_store.extensions["pilothouse_target_pools"].close()


def run_jobs(app: Flask, *defers: tuple[str, dict], waiting: dict | None = None) -> None:
    """Defer the named jobs and work until nothing is left to do."""

    async def work() -> None:
        queue = jobs.make_queue(app)
        queue.periodic_registry.periodic_tasks.clear()
        async with queue.open_async():
            if waiting:
                lock = f"target:{waiting['target_id']}"
                later = queue.configure_task("collect", queueing_lock=lock, schedule_in={"hours": 1})
                await later.defer_async(**waiting)
            for name, arguments in defers:
                await queue.configure_task(name).defer_async(**arguments)
            await queue.run_worker_async(
                wait=False, install_signal_handlers=False, listen_notify=False, task_middleware=[jobs.in_app(app)]
            )

    with ThreadPoolExecutor(1) as apart:  # the browser's tests keep a loop of their own in the main thread
        apart.submit(asyncio.run, work()).result()


def job_states() -> list[tuple[str, str]]:
    found = db.session.execute(text("select task_name, status::text from queue.procrastinate_jobs order by id"))
    return [(name, status) for name, status in found]


def test_a_minute_collects_every_target(queue_app):
    run_jobs(queue_app, ("collect_all", {"timestamp": TIMESTAMP}))
    assert job_states() == [("collect_all", "succeeded"), ("collect", "succeeded")]
    states = {row.probe: row.state for row in db.session.scalars(select(ProbeState))}
    assert states["server"] == states["tables"] == "ok"


def test_a_target_waits_in_the_queue_once(queue_app):
    waiting = {"target_id": target_by_slug("shop").id, "timestamp": TIMESTAMP - 60}
    run_jobs(queue_app, ("collect_all", {"timestamp": TIMESTAMP}), waiting=waiting)
    assert job_states() == [("collect", "todo"), ("collect_all", "succeeded")]


def test_every_periodic_job_runs(queue_app):
    names = ("alerts", "keep_house", "retry_stalled", "forget_jobs")
    run_jobs(queue_app, *((name, {"timestamp": TIMESTAMP}) for name in names))
    assert job_states() == [(name, "succeeded") for name in names]


def collected_by_the_dead(queue_app):
    """A collection under way whose worker is heard of no more."""
    run_jobs(queue_app, ("collect_all", {"timestamp": TIMESTAMP}))
    db.session.execute(text("set local search_path = queue"))
    old = "insert into queue.procrastinate_workers(last_heartbeat) values (now() - interval '5 minutes')"
    db.session.execute(text(old))
    db.session.execute(
        text(
            "update queue.procrastinate_jobs set status = 'doing', "
            "worker_id = (select max(id) from queue.procrastinate_workers) where task_name = 'collect'"
        )
    )
    db.session.commit()


def test_a_job_of_a_dead_worker_is_given_to_the_living(queue_app):
    collected_by_the_dead(queue_app)
    run_jobs(queue_app, ("retry_stalled", {"timestamp": TIMESTAMP}))
    assert dict(job_states())["collect"] in {"todo", "succeeded"}


def test_a_job_of_a_dead_worker_makes_way_for_the_next_of_its_kind(queue_app):
    collected_by_the_dead(queue_app)
    waiting = {"target_id": target_by_slug("shop").id, "timestamp": TIMESTAMP + 60}
    run_jobs(queue_app, ("retry_stalled", {"timestamp": TIMESTAMP}), waiting=waiting)
    assert [state for name, state in job_states() if name == "collect"] == ["failed", "todo"]
    assert dict(job_states())["retry_stalled"] == "succeeded"


def test_a_job_that_was_told_to_stop_asks_nothing_more_and_waits_for_the_next_worker(queue_app):
    target_id = target_by_slug("shop").id
    with pytest.raises(jobs.JobAborted):
        jobs.collect(SimpleNamespace(should_abort=lambda: True), target_id, TIMESTAMP)
    assert db.session.scalars(select(ProbeState)).all() == []
    decision = jobs.GIVEN_BACK.get_retry_decision(exception=jobs.JobAborted(), job=SimpleNamespace(attempts=0))
    assert decision is not None


def test_the_schema_is_the_one_the_queue_ships(queue_app):
    shipped = jobs.make_queue(queue_app).schema_manager.get_schema()
    ours = (queue_app.extensions["migrate"].directory, "sql", "procrastinate-3.10.0.sql")
    assert Path(*ours).read_text(encoding="utf-8").strip() == shipped.strip()
