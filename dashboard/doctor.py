"""What `pilothouse doctor` looks at, each finding with what to do about it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import current_app
from sqlalchemy import text

from dashboard.runtime import data_dir_of
from dashboard.settings import Settings
from dashboard.store import db, schema_problem
from dashboard.targets.models import Target
from dashboard.targets.queries import all_targets

LATE = timedelta(minutes=5)


@dataclass(frozen=True)
class Finding:
    good: bool
    sentence: str


def findings() -> list[Finding]:
    """Wrong settings and a store that does not answer have ended the command before."""
    settings: Settings = current_app.extensions["pilothouse_settings"]
    found = [Finding(good=True, sentence="Every setting can be used."), _secret(settings), _store()]
    problem = schema_problem()
    found.append(Finding(not problem, problem or "The store's schema is the one this version needs."))
    if problem:
        return found
    return [*found, _worker(), *(_target(target, datetime.now(UTC)) for target in all_targets())]


def _secret(settings: Settings) -> Finding:
    path = data_dir_of(settings) / "secret_key"
    if settings.secret_key:
        return Finding(good=True, sentence="SECRET_KEY is set.")
    private = path.stat().st_mode & 0o077 == 0
    sentence = f"The created secret is private: {path}" if private else f"Others may read {path}: chmod 600 {path}"
    return Finding(private, sentence)


def _store() -> Finding:
    version, size = db.session.execute(
        text("select current_setting('server_version'), pg_size_pretty(pg_database_size(current_database()))")
    ).one()
    return Finding(good=True, sentence=f"The store answers: PostgreSQL {version}, {size}.")


def _worker() -> Finding:
    beat = "select max(last_heartbeat) > now() - interval '1 minute' from queue.procrastinate_workers"
    if db.session.scalar(text(beat)):
        return Finding(good=True, sentence="A worker takes jobs.")
    return Finding(good=False, sentence="No worker has been alive in the last minute: start `pilothouse worker`.")


def _target(target: Target, now: datetime) -> Finding:
    name = f"Target {target.slug}"
    if target.state == "unreachable":
        return Finding(good=False, sentence=f"{name} is unreachable: {target.unreachable_reason}")
    if target.collected_at is None:
        return Finding(good=False, sentence=f"{name} was never collected: `pilothouse collect {target.slug}`.")
    if now - target.collected_at > LATE:
        return Finding(good=False, sentence=f"{name} was last collected at {target.collected_at:%Y-%m-%d %H:%M} UTC.")
    return Finding(good=True, sentence=f"{name} is collected.")
