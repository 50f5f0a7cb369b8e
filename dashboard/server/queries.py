"""Questions about servers: newest counters, their course over a window, settings, and who belongs together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Subquery, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on

from dashboard.rollup import minutes_kept
from dashboard.server.cluster import Member, one_cluster, standbys
from dashboard.server.models import (
    DatabaseSample,
    DatabaseState,
    ServerSetting,
)
from dashboard.server.series import Series, gaps, series, step_of
from dashboard.store import db
from dashboard.targets.models import Target

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Course:
    """What the counters of a server did in a window, and where nothing is known of it."""

    series: Series
    gaps: list[tuple[datetime, datetime]]


def newest_states() -> Subquery:
    """The newest numbers of every target, for lists to join by `target_id`."""
    state = DatabaseState
    return select(
        state.target_id,
        state.size_bytes,
        state.growth_24h_bytes,
        state.connections,
        state.connections_max,
        state.cache_hit_share,
        state.commits_per_s,
    ).subquery("newest")


def newest_counters(target_id: int) -> DatabaseState | None:
    return db.session.get(DatabaseState, target_id)


def counter_start(target_id: int) -> datetime | None:
    """From when the counters of tables, indexes and the database count, as far as anything tells; None: not yet read.

    The later one of the resets that the server tells and the first sample after a loss that it does not tell.
    """
    found = select(DatabaseState.counting_since).where(DatabaseState.target_id == target_id)
    return db.session.scalar(found)


def setting_values(target_id: int, names: Iterable[str]) -> dict[str, str | None]:
    """Values as pg_settings has them, in the setting's unit; a name that is not known is left out."""
    setting = ServerSetting
    found = select(setting.name, setting.value).where(setting.target_id == target_id, setting.name.in_(list(names)))
    return {row.name: row.value for row in db.session.execute(found.order_by(setting.name))}


def standbys_of(target: Target) -> list[Target]:
    """Watched targets that follow the same primary database server as this one, itself left out, by name."""
    found = standbys(target.id, _members(target.id))
    rows = select(Target).where(Target.id.in_(found)).order_by(Target.name, Target.id)
    return list(db.session.scalars(rows)) if found else []


def cluster_target_ids(target_id: int) -> list[int]:
    """This target and those that hold the same database on other servers of its cluster: their use adds up."""
    return one_cluster(target_id, _members(target_id))


def _members(target_id: int) -> list[Member]:
    """Every target whose server tells the same system identifier, this one among them."""
    own = select(DatabaseState.system_identifier).where(DatabaseState.target_id == target_id).scalar_subquery()
    found = (
        select(Target.id, Target.dbname, DatabaseState.is_standby, DatabaseState.timeline)
        .join(DatabaseState, DatabaseState.target_id == Target.id)
        .where(DatabaseState.system_identifier == own)
        .order_by(Target.id)
    )
    return [Member(*row) for row in db.session.execute(found)]


def course(target_id: int, since: datetime, until: datetime) -> Course:
    """For a chart of a summary; `until` may lie in the past."""
    step = step_of(until - since, minutes_kept(), datetime.now(UTC) - since)
    sampled = samples(target_id, since, step, until)
    return Course(series(sampled, step), gaps(sampled, since, until, step))


def samples(target_id: int, since: datetime, step: timedelta, until: datetime | None = None) -> list[Any]:
    """The counters of a window that charts are made of, oldest first: the last ones of each step."""
    sample = DatabaseSample
    at = func.date_bin(literal(step), sample.slot, literal(EPOCH))
    found = (
        select(
            sample.slot,
            sample.size_bytes,
            sample.connections,
            sample.commits,
            sample.rollbacks,
            sample.blocks_read,
            sample.blocks_hit,
            sample.stats_reset_at,
            sample.started_at,
            sample.system_identifier,
        )
        .ext(distinct_on(at))
        .where(sample.target_id == target_id, sample.slot >= since)
        .order_by(at, sample.slot.desc())
    )
    if until is not None:
        found = found.where(sample.slot <= until)
    return list(db.session.execute(found))


def size_sparks(target_ids: list[int], since: datetime) -> dict[int, list[tuple[datetime, float | None]]]:
    """Size by the hour for each target, oldest first: one question for the whole page."""
    hour = func.date_trunc("hour", DatabaseSample.slot)
    found = (
        select(DatabaseSample.target_id, hour, func.max(DatabaseSample.size_bytes))
        .where(DatabaseSample.target_id.in_(target_ids), DatabaseSample.slot >= since)
        .group_by(DatabaseSample.target_id, hour)
        .order_by(DatabaseSample.target_id, hour)
    )
    sparks: dict[int, list[tuple[datetime, float | None]]] = {}
    for target_id, at, size in db.session.execute(found):
        sparks.setdefault(target_id, []).append((at, size))
    return sparks
