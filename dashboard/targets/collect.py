"""Once an hour, and after each change: what the watching role may see, and which server this is."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from dashboard.targets.capabilities import Facts, Feature, features
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.connect import Reader, TargetRefused, address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.probes import Probe

PROBE = "capabilities"
CADENCE: Cadence = "hour"
CAPABILITIES = Probe.read(__file__, "capabilities.sql")
STATEMENTS = Probe.read(__file__, "statements_readable.sql", extension="pg_stat_statements")
IDENTITY = Probe.read(__file__, "identity.sql")


def collect(collection: Collection) -> None:
    card = _keep(collection.target, collection.reader, collection.now)
    collection.done(len(card))


def look(target: Target) -> list[Feature]:
    """The card of now, on a connection of its own; nothing is stored. Raises TargetUnreachable, TargetRefused."""
    with reading(address_of(target), pooled=False) as reader:
        return features(facts_of(reader))


def check(target: Target, now: datetime) -> None:
    """Look and store it; a target that answers is tried again at once by the collector. The caller commits."""
    with reading(address_of(target), pooled=False) as reader:
        _keep(target, reader, now)
    target.next_attempt_at = None


def _keep(target: Target, reader: Reader, now: datetime) -> list[Feature]:
    facts = facts_of(reader)
    card = features(facts)
    target.server_version = facts.server_version
    target.system_identifier = _identity(reader)
    target.capabilities = [asdict(feature) for feature in card]
    target.capabilities_at = now
    return card


def facts_of(reader: Reader) -> Facts:
    found: dict[str, Any] = reader.ask(CAPABILITIES)[0]
    schema = reader.schema_of("pg_stat_statements")
    seen: dict[str, Any] = {"statements_schema": schema}
    if schema is not None:
        try:
            with reader.savepoint():
                seen["statements_hidden"] = reader.ask(STATEMENTS)[0]["hidden"]
        except TargetRefused as refused:
            seen |= {"statements_problem": refused.sentence, "statements_remedy": refused.remedy_sql}
    return Facts(**found, **seen)


def _identity(reader: Reader) -> str | None:
    """The cluster's own number, by which a restored copy is told from the original; None when it is not told."""
    try:
        with reader.savepoint():
            return str(reader.ask(IDENTITY)[0]["system_identifier"])
    except TargetRefused:
        return None
