"""Once an hour, and after each change: what the watching role may see, and which server this is."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from dashboard.targets import opted_in
from dashboard.targets.capabilities import Facts, Feature, features
from dashboard.targets.collection import Cadence, Collection
from dashboard.targets.connect import Reader, TargetRefused, TargetUnreachable, address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.probes import Probe

PROBE = "capabilities"
CADENCE: Cadence = "hour"
CAPABILITIES = Probe.read(__file__, "capabilities.sql")
STATEMENTS = Probe.read(__file__, "statements_readable.sql", extension="pg_stat_statements")
IDENTITY = Probe.read(__file__, "identity.sql")
READABLE = Probe.read(__file__, "readable.sql")


def collect(collection: Collection) -> None:
    card = _keep(collection.target, collection.reader, collection.now)
    collection.done(len(card))


def look(target: Target) -> list[Feature]:
    """The card of now, on a connection of its own; nothing is stored. Raises TargetUnreachable, TargetRefused."""
    with reading(address_of(target), pooled=False) as reader:
        return [*features(facts_of(reader)), *opted_in_features(target)]


def check(target: Target, now: datetime) -> None:
    """Look and store it; a target that answers is tried again at once by the collector. The caller commits."""
    with reading(address_of(target), pooled=False) as reader:
        _keep(target, reader, now)
    target.next_attempt_at = None


def _keep(target: Target, reader: Reader, now: datetime) -> list[Feature]:
    facts = facts_of(reader)
    card = [*features(facts), *opted_in_features(target)]
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


def opted_in_features(target: Target) -> list[Feature]:
    """What the other registered roles can do, each looked at as itself."""
    tell = {"explain": opted_in.explaining, "steer": opted_in.steering}
    logins = sorted(target.logins, key=lambda login: login.purpose)
    return [
        feature
        for login in logins
        if login.purpose in tell
        for feature in tell[login.purpose](_signed_in(target, login.purpose, login.username))
    ]


def _signed_in(target: Target, purpose: str, role: str) -> opted_in.Login:
    try:
        with reading(address_of(target, purpose), pooled=False) as reader:
            facts = Facts(**reader.ask(CAPABILITIES)[0])
            schemas = reader.ask(READABLE) if purpose == "explain" else []
    except (TargetRefused, TargetUnreachable) as failure:
        return opted_in.Login(role, problem=failure.sentence)
    return opted_in.Login(role, facts=facts, schemas=[opted_in.Readable(**row) for row in schemas])


def _identity(reader: Reader) -> str | None:
    """The cluster's own number, by which a restored copy is told from the original; None when it is not told."""
    try:
        with reader.savepoint():
            return str(reader.ask(IDENTITY)[0]["system_identifier"])
    except TargetRefused:
        return None
