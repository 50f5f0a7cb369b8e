"""Reads pg_stat_statements of a target once a minute and stores what happened since the last reading."""

import json
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from dashboard.changes.record import record
from dashboard.sqlmask import without_values
from dashboard.statements import bulk, edits
from dashboard.statements.family import digest
from dashboard.statements.rules import Counters, Differences, Key, Reading, Step, differences, step
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.connect import Reader, TargetRefused
from dashboard.targets.probes import Older, Probe, quoted

PROBE = "statements"
CADENCE: Cadence = "minute"
EXTENSION = "pg_stat_statements"
SERVER = Probe.read(__file__, "server.sql", extension=EXTENSION)
SYSTEM = Probe.read(__file__, "system.sql")
TEXTS = Probe.read(__file__, "texts.sql", extension=EXTENSION)
STATEMENTS = Probe.read(
    __file__,
    "statements.sql",
    older=(
        Older(EXTENSION, "stats_since", "s.stats_since as", "cast(null as timestamptz) as"),
        Older(EXTENSION, "minmax_stats_since", "s.minmax_stats_since", "cast(null as timestamptz)"),
        Older(
            EXTENSION,
            "shared_blk_read_time",
            "s.shared_blk_read_time + s.shared_blk_write_time",
            "s.blk_read_time + s.blk_write_time",
        ),
    ),
    extension=EXTENSION,
)
LOGINS = "select pg_catalog.set_config('pilothouse.logins', %(logins)s, true) as listed"
UNSEEN = "select pg_catalog.set_config('pilothouse.queryids', %(queryids)s, true) as listed"
NOT_LOADED = (
    "pg_stat_statements is installed but not loaded by the server; it counts after a restart with this setting."
)
LOAD = "ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'; -- added to what it lists; then restart"
NO_USAGE = "The watching role may not use the schema that pg_stat_statements is installed in."
TOO_OLD = "The extension pg_stat_statements in this database is older than the server."
UPDATE = "ALTER EXTENSION pg_stat_statements UPDATE;"
HIDDEN = "{count} statements of other roles are hidden from the watching role; their time is known only as a whole."


@dataclass(frozen=True)
class Answer:
    """What a server told: the reading as a whole, and the entries of others that our role may see."""

    reading: Reading
    place: edits.Place
    counters: dict[Key, Counters]
    entries: int
    role: str
    own_role: str | None


def collect(collection: Collection) -> None:
    """Store one reading; the same slot a second time changes nothing."""
    target_id = collection.target.id
    if edits.is_stored(target_id, collection.slot):
        return
    answer, previous = _answer(collection), edits.previous_reading(target_id)
    if previous and previous.epoch != answer.reading.epoch:
        edits.forget_entries(target_id, collection.slot)
    stored = edits.stored_entries(target_id)
    families, names = _families(collection, answer.counters.keys() - stored.keys())
    families |= {key: entry.family_id for key, entry in stored.items()}
    _store(target_id, answer, previous, stored, families, names)
    collection.done(answer.entries)
    if hidden := answer.reading.hidden_entries:
        collection.partial(HIDDEN.format(count=hidden), f"GRANT pg_monitor TO {quoted(answer.role)};")


def _store(
    target_id: int,
    answer: Answer,
    previous: Reading | None,
    stored: dict[Key, edits.Stored],
    families: dict[Key, int],
    names: dict[Key, str],
) -> None:
    current, how = answer.reading, step(previous, answer.reading)
    before = {key: entry.counters for key, entry in stored.items() if entry.gone_at is None}
    counters = {key: value for key, value in answer.counters.items() if key in families}
    found = differences(before, counters, how, previous)
    edits.store_samples(target_id, current.slot, found.added, families)
    edits.store_entries(target_id, current.slot, answer.place, counters, stored, families, names)
    edits.mark_gone(target_id, current.slot, before.keys() - counters.keys())
    edits.store_reading(
        target_id,
        current,
        since=min(previous.slot, current.slot) if previous and how.counts else None,
        reason=" ".join([*how.reasons, *_oddities(how, found)]) or None,
        own_role=answer.own_role,
        entries=len(counters),
        hidden_ms=_hidden_ms(previous, current, how),
    )
    if previous:
        bulk.sum_up(target_id, previous.slot, current.slot)
    if how.from_zero:
        _record_reset(target_id, current)


def _answer(collection: Collection) -> Answer:
    server, entries = _read(collection)
    own = set(server["own_oids"])
    told = [row for row in entries if row[0] not in own]
    counters = {Key._make(row[:3]): Counters._make(row[3:]) for row in told if row[2] is not None}
    hidden_ms = [Counters._make(row[3:]).total_ms for row in told if row[2] is None]
    place = edits.Place(_system(collection.reader), server["dbid"], collection.reader.server_version // 10_000)
    reading = Reading(
        slot=collection.slot,
        at=server["read_at"],
        epoch=f"{place.system}/{place.dbid}/{','.join(map(str, server['own_oids']))}",
        started_at=server["started_at"],
        stats_reset_at=server["stats_reset_at"],
        evictions=server["evictions"],
        hidden_entries=len(hidden_ms),
        hidden_total_ms=sum(hidden_ms),
    )
    return Answer(
        reading,
        place,
        counters=counters,
        entries=len(entries),
        role=server["role_name"],
        own_role=", ".join(server["own_roles"]) or None,
    )


def _read(collection: Collection) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """The server, and each entry: the fields of a key, then those of its counters."""
    reader = collection.reader
    if logins := [login.username for login in collection.target.logins if login.purpose != "watch"]:
        reader.rows(LOGINS, {"logins": json.dumps(logins)})
    try:
        return reader.ask(SERVER)[0], reader.ask_numbers(STATEMENTS)
    except TargetRefused as refused:
        if refused.sqlstate == "55000":
            raise TargetRefused(refused.sqlstate, NOT_LOADED, LOAD) from None
        if refused.sqlstate == "42501":
            user = next(login.username for login in collection.target.logins if login.purpose == "watch")
            schema = reader.schema_of(EXTENSION) or ""
            grant = f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {quoted(user)};"
            raise TargetRefused(refused.sqlstate, NO_USAGE, grant) from None
        if refused.sqlstate in {"42P01", "42703", "42883"} and refused.remedy_sql is None:
            raise TargetRefused(refused.sqlstate, TOO_OLD, UPDATE) from None
        raise


def _system(reader: Reader) -> str:
    """Some services keep the identifier of the cluster from everybody; then its version has to tell two apart."""
    try:
        with reader.savepoint():
            return str(reader.ask(SYSTEM)[0]["system_identifier"])
    except TargetRefused:
        return f"unknown-{reader.server_version // 10_000}"


def _families(collection: Collection, unseen: AbstractSet[Key]) -> tuple[dict[Key, int], dict[Key, str]]:
    """Families and roles of entries that were never seen; only for those are texts asked for. One that was evicted
    in the meantime has none, and is new again when it returns.
    """
    if not unseen:
        return {}, {}
    listed = ",".join(map(str, sorted({key.queryid for key in unseen})))
    collection.reader.rows(UNSEEN, {"queryids": f"{{{listed}}}"})
    told = {_key(row): row for row in collection.reader.ask(TEXTS) if _key(row) in unseen}
    digests = {key: digest(row["text"]) for key, row in told.items()}
    texts = {digests[key]: without_values(row["text"]) for key, row in told.items()}
    ids = edits.store_families(collection.target.id, collection.slot, texts)
    return {key: ids[digests[key]] for key in told}, {key: str(row["username"]) for key, row in told.items()}


def _key(row: dict[str, Any]) -> Key:
    return Key(row["userid"], row["toplevel"], row["queryid"])


def _oddities(how: Step, found: Differences) -> list[str]:
    """What single entries did, where the whole does not already explain it."""
    sentences = []
    if found.restarted and not how.reasons:
        sentences.append(f"{found.restarted} statements began to count anew.")
    if found.uncovered:
        sentences.append(f"{found.uncovered} statements became visible; they count from here on.")
    return sentences


def _hidden_ms(previous: Reading | None, current: Reading, how: Step) -> float:
    if previous is None or not how.counts or how.from_zero:
        return 0.0
    return max(0.0, current.hidden_total_ms - previous.hidden_total_ms)


def _record_reset(target_id: int, current: Reading) -> None:
    record(
        "reset",
        "Statement statistics were emptied, by a reset or a crash",
        subject=EXTENSION,
        target_id=target_id,
        at=current.stats_reset_at,
        dedupe_key=f"statements-reset:{target_id}:{current.stats_reset_at}",
    )
