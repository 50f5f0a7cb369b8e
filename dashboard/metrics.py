"""OpenMetrics: what the web processes saw together, and what the store says about targets and their collection."""

import os
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from dashboard.store import db
from dashboard.targets.models import Target

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
OWN = CollectorRegistry()
REQUESTS = Histogram(
    "pilothouse_request_seconds",
    "Time from a request to its answer.",
    ["view", "status"],
    registry=OWN,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class StoreCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("pilothouse_store_up", "Whether the store answers.")
        try:
            rows = db.session.execute(
                select(Target.slug, Target.state, Target.collected_at).order_by(Target.slug)
            ).all()
        except (DBAPIError, PoolExhausted):
            db.session.rollback()
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        reachable = GaugeMetricFamily("pilothouse_target_reachable", "Whether the target answers.", labels=["target"])
        lag = GaugeMetricFamily(
            "pilothouse_collector_lag_seconds", "Time since the target's last whole collection.", labels=["target"]
        )
        now_s = time.time()
        for slug, state, collected_at in rows:
            if state != "new":
                reachable.add_metric([slug], state == "reachable")
            if collected_at is not None:
                lag.add_metric([slug], max(0.0, now_s - collected_at.timestamp()))
        yield reachable
        yield lag


def observe(view: str, status: int, seconds: float) -> None:
    REQUESTS.labels(view, str(status)).observe(seconds)


def exposition() -> tuple[bytes, str]:
    registry = CollectorRegistry()
    if os.environ.get(FOLDER):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REQUESTS)
    registry.register(StoreCollector())
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text, CONTENT_TYPE_LATEST
