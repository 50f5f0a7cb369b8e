"""The job that judges a target's indexes by what the store knows of them, on every server of its cluster."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from dashboard.findings import record
from dashboard.findings.record import batched
from dashboard.tables import judge_shapes, verdict_edits, verdict_queries
from dashboard.tables.verdict_queries import AT_ONCE, STALE, Alike, Server
from dashboard.tables.verdicts import BUSINESS_CYCLE, Counting, HostUse, Use, index_window, judge_use
from dashboard.tables.verdicts_keys import ForeignKey
from dashboard.targets.collection import Collection
from dashboard.targets.probes import Older, Probe

PROBE = "index_findings"
CADENCE = "hour"
SOURCE = "indexes"
FOREIGN_KEYS = Probe.read(
    __file__,
    "foreign_keys.sql",
    older=(
        Older("pg_constraint", "conenforced", "and k.conenforced", ""),
        Older("pg_constraint", "conperiod", "and not k.conperiod", ""),
    ),
)
ON_STANDBY = "This is a standby: what is wrong with its indexes is found on its primary, where it can be mended."
FACTS = Probe.read(__file__, "index_facts.sql")
FOLLOWERS = Probe.read(__file__, "followers.sql")


@dataclass
class Tally:
    """What came of the verdicts: how many, those that lack evidence, and the unused ones, each with its indexes."""

    indexes: int = 0
    whole: int = 0
    short: int = 0
    idle: list[tuple[str, Use]] = field(default_factory=list)

    def add(self, alike: Alike, use: Use) -> None:
        self.indexes += alike.number
        if alike.parent_oid is None:
            self.whole += alike.number
            self.short += alike.number if use.verdict == "not_enough_evidence" else 0
        if use.verdict == "idle":
            self.idle.append((alike.oids, use))


def collect(collection: Collection) -> None:
    """Every index gets a verdict; what is wrong becomes a finding, on the primary, where it can be mended."""
    target, reader, now = collection.target, collection.reader, collection.now
    servers = verdict_queries.cluster(target)
    if servers[0].read_at is None:
        collection.partial("Indexes are judged once tables and indexes have been collected.")
        return
    followers = reader.ask(FOLLOWERS)[0]
    missing = _missing(servers, verdict_queries.standby_ids(target), followers, now)
    facts = {row["oid"]: row for row in reader.ask(FACTS)}
    keys = [ForeignKey(**row) for row in reader.ask(FOREIGN_KEYS)]
    shapes = judge_shapes.Shapes.of(target, facts, keys)
    misshapen = dict(shapes.misshapen())
    troubles = {oid: finding.rule for oid, finding in misshapen.items()}
    tally, is_first = Tally(), not verdict_edits.any_kept(target.id)
    for some in batched(_judged(servers, missing, now), AT_ONCE):
        verdict_edits.keep(target.id, some, troubles, now, is_first=is_first)
        for alike, use in some:
            tally.add(alike, use)
    if not is_first:
        verdict_edits.forget(target.id)
    if followers["is_standby"]:
        record.keep(target.id, SOURCE, [], now, note=ON_STANDBY)
    else:
        found = chain(misshapen.values(), shapes.unused(tally.idle, misshapen), shapes.unindexed(now))
        record.keep(target.id, SOURCE, found, now, note=_short_of_evidence(tally))
    collection.done(tally.indexes)


def _short_of_evidence(tally: Tally) -> str | None:
    """How many indexes nothing can be said about yet."""
    if not tally.short:
        return None
    return (
        f"{tally.short} of {tally.whole} indexes cannot be called unused yet: every server of the cluster must have "
        f"been watched for {BUSINESS_CYCLE.days} days without a reset."
    )


def _judged(servers: Sequence[Server], missing: list[str], now: datetime) -> Iterator[tuple[Alike, Use]]:
    resets = verdict_queries.resets(servers)
    began = verdict_queries.watched_since(servers[0].target_id)
    for alike in verdict_queries.alike(servers, now):
        hosts = [
            _host(server, counting, resets.get((server.target_id, alike.partitioned_oid)))
            for server, counting in zip(servers, alike.countings, strict=True)
        ]
        own = alike.countings[0]
        came_at = own.first_seen_at if own and began and own.first_seen_at > began else None
        yield alike, judge_use(alike, hosts, missing, now, alike.planned, came_at)


def _host(server: Server, counting: Counting | None, reset: Counting | None) -> HostUse:
    if counting is None:
        return HostUse(server.name, None, None, None)
    since = index_window(counting, [reset] if reset else ())
    counted = max((at for at in (counting.counted_since, server.counting_since) if at), default=None)
    if since and server.counting_since:
        since = max(since, server.counting_since)
    return HostUse(
        server.name, counting.scans, counting.rows_read, since, counting.used_at, counted, counting.is_followed
    )


def _missing(
    servers: Sequence[Server], standbys: set[int], followers: Mapping[str, Any], now: datetime
) -> list[str]:  # fmt: skip
    """Servers whose scans nobody counted: unwatched ones, and watched ones that were not read for a day."""
    others = {server.target_id for server in servers[1:]}
    missing = [server.name for server in servers if server.read_at is None or now - server.read_at > STALE]
    unwatched = followers["followers"] - len(standbys & others)
    if unwatched > 0:
        missing.append(f"{unwatched} standby server{'' if unwatched == 1 else 's'}")
    if followers["is_standby"] and not others - standbys:
        missing.append("the primary server")
    return missing
