"""The job that judges a target's indexes by what the store knows of them, on every server of its cluster."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dashboard.findings import record
from dashboard.findings.rules import Finding
from dashboard.tables import verdict_edits, verdict_queries
from dashboard.tables import verdicts_findings as findings
from dashboard.tables.rows import Index, Table
from dashboard.tables.verdict_queries import STALE, Server, Verdict
from dashboard.tables.verdicts import BUSINESS_CYCLE, TROUBLES, HostUse, Use, index_window, judge_use
from dashboard.tables.verdicts_findings import Place
from dashboard.tables.verdicts_keys import ForeignKey
from dashboard.tables.verdicts_redundant import redundancies
from dashboard.targets.collection import Collection
from dashboard.targets.connect import Reader
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


def collect(collection: Collection) -> None:
    """Every index gets a verdict; what is wrong becomes a finding, on the primary, where it can be mended."""
    target, now = collection.target, collection.now
    servers = verdict_queries.cluster(target)
    own, tables = servers[0], verdict_queries.tables(target.id)
    if own.read_at is None:
        collection.partial("Indexes are judged once tables and indexes have been collected.")
        return
    followers = collection.reader.ask(FOLLOWERS)[0]
    uses = _uses(servers, _missing(servers, verdict_queries.standby_ids(target), followers, now), now)
    found = _found(collection.reader, Place(target.slug, tables, _names(own, tables)), own, uses, now)
    seen = verdict_queries.verdicts(target.id)
    troubles = {oid: finding.rule for finding, oid in reversed(found) if finding.rule in TROUBLES}
    rows = (
        _row(index, uses[index.oid], seen.get(index.oid), now) | {"trouble": troubles.get(index.oid)}
        for index in own.indexes.values()
    )
    verdict_edits.keep(target.id, rows)
    if followers["is_standby"]:
        record.keep(target.id, SOURCE, [], now, note=ON_STANDBY)
    else:
        record.keep(target.id, SOURCE, [one for one, _ in found], now, note=_short_of_evidence(own, uses))
    collection.done(len(uses))


def _found(
    reader: Reader, place: Place, own: Server, uses: Mapping[int, Use], now: datetime
) -> list[tuple[Finding, int | None]]:
    """Findings, each with the index that it is about."""
    facts, indexes = {row["oid"]: row for row in reader.ask(FACTS)}, own.indexes
    doubles = redundancies(indexes.values(), {oid for oid, row in facts.items() if row["is_deferrable"]})
    found: list[tuple[Finding, int | None]] = [(findings.redundant(one, place), one.index.oid) for one in doubles]
    said = {one.index.oid for one in doubles}
    for oid, index in sorted(indexes.items()):
        if not index.is_valid and index.kind == "I":
            found.append((findings.incomplete(index, indexes.values(), place), oid))
        elif not index.is_valid and oid in facts and facts[oid]["is_abandoned"]:
            found.append((findings.invalid(index, place), oid))
        elif index.is_valid and uses[oid].verdict == "idle" and oid not in said:
            found.append((findings.unused(index, uses[oid], place), oid))
    of_table: dict[int, list[Index]] = defaultdict(list)
    for index in indexes.values():
        of_table[index.table_oid].append(index)
    keys = [ForeignKey(**row) for row in reader.ask(FOREIGN_KEYS)]
    unindexed = [findings.unindexed(key, of_table[key.table_oid], place, now) for key in keys]
    return found + [(one, None) for one in unindexed if one]


def _short_of_evidence(own: Server, uses: Mapping[int, Use]) -> str | None:
    """How many indexes nothing can be said about yet."""
    judged = [uses[oid].verdict for oid, index in own.indexes.items() if index.parent_oid is None]
    short = judged.count("not_enough_evidence")
    if not short:
        return None
    return (
        f"{short} of {len(judged)} indexes cannot be called unused yet: every server of the cluster must have been "
        f"watched for {BUSINESS_CYCLE.days} days without a reset."
    )


def _uses(servers: list[Server], missing: list[str], now: datetime) -> dict[int, Use]:
    parts: dict[int, dict[int, list[Index]]] = {server.target_id: defaultdict(list) for server in servers}
    for server in servers:
        for index in server.indexes.values():
            if index.parent_oid is not None:
                parts[server.target_id][index.parent_oid].append(index)
    return {
        oid: judge_use(index, [_host(server, oid, parts[server.target_id]) for server in servers], missing, now)
        for oid, index in servers[0].indexes.items()
    }


def _host(server: Server, oid: int, parts: Mapping[int, list[Index]]) -> HostUse:
    index = server.indexes.get(oid)
    if index is None:
        return HostUse(server.name, None, None, None)
    since = index_window(index, parts.get(oid, ()))
    if since and server.counting_since:
        since = max(since, server.counting_since)
    return HostUse(server.name, index.scans, index.rows_read, since, index.last_scan_at or server.used_at.get(oid))


def _missing(
    servers: list[Server], standbys: set[int], followers: Mapping[str, Any], now: datetime
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


def _row(index: Index, use: Use, seen: Verdict | None, now: datetime) -> dict[str, Any]:
    return {
        "oid": index.oid,
        "verdict": use.verdict,
        "why": use.why,
        "since": use.since,
        "scans": use.scans,
        "own_scans": index.scans,
        "used_at": _used_at(index, seen, now),
    }


def _used_at(index: Index, seen: Verdict | None, now: datetime) -> datetime | None:
    """When its scans were last seen to rise; a smaller number that is not nothing rose after a reset."""
    if seen is None or index.scans is None or seen.own_scans is None:
        return seen.used_at if seen else None
    has_risen = index.scans > seen.own_scans or 0 < index.scans < seen.own_scans
    return now if has_risen else seen.used_at


def _names(own: Server, tables: Mapping[int, Table]) -> frozenset[tuple[str, str]]:
    """Names that a new index cannot have."""
    return frozenset(
        {(index.schema, index.name) for index in own.indexes.values()}
        | {(table.schema, table.name) for table in tables.values()}
    )
