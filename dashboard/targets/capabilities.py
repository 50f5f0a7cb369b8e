"""What the watching role may do on a target: facts → a card of features, each with what would fix it (pure)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

OLDEST, NEWEST = 14, 18
State = Literal["ok", "degraded", "denied", "flagged"]
WORST_FIRST: tuple[State, ...] = ("flagged", "denied", "degraded", "ok")


@dataclass(frozen=True)
class Facts:
    """What the capability probe answered. `statements_problem` is why pg_stat_statements cannot be read, if so."""

    server_version: int
    version_text: str
    role: str
    database: str
    is_superuser: bool
    can_create_roles: bool
    can_create_databases: bool
    can_replicate: bool
    bypasses_row_security: bool
    strong_roles: Sequence[str]
    owned_relations: int
    reads_all_stats: bool
    reads_all_settings: bool
    preloaded: str | None
    times_io: bool | None
    counts: bool | None
    statements_track: str | None
    is_standby: bool
    is_encrypted: bool | None
    is_socket: bool
    statements_schema: str | None = None
    statements_problem: str | None = None
    statements_remedy: str | None = None
    statements_hidden: int = 0


@dataclass(frozen=True)
class Feature:
    """`why` is a sentence; `remedy_sql` is what an owner of the server could run, when that helps."""

    feature: str
    state: State
    why: str
    remedy_sql: str | None = None


def features(facts: Facts) -> list[Feature]:
    """The card, in reading order."""
    return [
        _version(facts),
        *_rights(facts),
        _transport(facts),
        _monitoring(facts),
        _counters(facts),
        _statements(facts),
        _io_times(facts),
        _settings(facts),
        _standby(facts),
    ]


def worst(states: Sequence[str]) -> State:
    """The state that a list of features is summed up with."""
    return next((state for state in WORST_FIRST if state in states), "ok")


def _version(facts: Facts) -> Feature:
    major = facts.server_version // 10_000
    if major < OLDEST:
        why = f"PostgreSQL {facts.version_text} is older than {OLDEST}, the oldest version whose views we know."
        return Feature("Server version", "degraded", why)
    if major > NEWEST:
        return Feature("Server version", "degraded", f"PostgreSQL {facts.version_text} is newer than what we know.")
    return Feature("Server version", "ok", f"PostgreSQL {facts.version_text}.")


def _rights(facts: Facts) -> list[Feature]:
    found = excess(facts, "Role's rights")
    return found or [Feature("Role's rights", "ok", f"“{facts.role}” has no more rights than watching needs.")]


def excess(facts: Facts, feature: str, *, needed: Collection[str] = (), needs: str = "watching") -> list[Feature]:
    """Every right that this role does not need, one row each; `needed`: roles that it may well be a member of."""
    role = quoted(facts.role)
    if facts.is_superuser:
        why = f"“{facts.role}” is a superuser: whoever takes over the dashboard owns the server."
        return [Feature(feature, "flagged", why, f"ALTER ROLE {role} NOSUPERUSER;")]
    attributes = (
        (facts.can_create_roles, "may create roles", "NOCREATEROLE"),
        (facts.can_create_databases, "may create databases", "NOCREATEDB"),
        (facts.can_replicate, "may replicate, and so read everything", "NOREPLICATION"),
        (facts.bypasses_row_security, "bypasses row level security", "NOBYPASSRLS"),
    )
    found = [
        Feature(feature, "flagged", f"“{facts.role}” {what}.", f"ALTER ROLE {role} {word};")
        for has, what, word in attributes
        if has
    ]
    found += [
        Feature(
            feature,
            "flagged",
            f"“{facts.role}” is a member of {name}; {needs} does not need it.",
            f"REVOKE {name} FROM {role};",
        )
        for name in facts.strong_roles
        if name not in needed
    ]
    if facts.owned_relations:
        why = f"“{facts.role}” owns {facts.owned_relations} tables, indexes or views here and could change them."
        found.append(Feature(feature, "flagged", why))
    return found


def _transport(facts: Facts) -> Feature:
    if facts.is_encrypted:
        return Feature("Transport", "ok", "The connection is encrypted.")
    where = "a Unix socket" if facts.is_socket else "this machine's loopback"
    return Feature("Transport", "ok", f"The connection goes over {where} and is not encrypted.")


def _monitoring(facts: Facts) -> Feature:
    if facts.reads_all_stats:
        return Feature("Sessions and statements of others", "ok", "All sessions and statements are visible.")
    why = "Only the role's own sessions and statements are visible; those of others count as hidden."
    return Feature("Sessions and statements of others", "degraded", why, _grant("pg_monitor", facts))


def _counters(facts: Facts) -> Feature:
    if facts.counts is False:
        why = "track_counts is off: tables and indexes are not counted, and autovacuum does not run."
        return Feature("Table and index statistics", "degraded", why, _setting("track_counts"))
    return Feature("Table and index statistics", "ok", "Sizes and counters of all tables and indexes.")


def _statements(facts: Facts) -> Feature:
    name = "Slow queries"
    if facts.preloaded is not None and "pg_stat_statements" not in facts.preloaded:
        why = "pg_stat_statements is not in shared_preload_libraries; that needs a restart of the server."
        libraries = ", ".join(part for part in (facts.preloaded.strip(), "pg_stat_statements") if part)
        return Feature(name, "denied", why, f"ALTER SYSTEM SET shared_preload_libraries = {libraries};")
    if facts.statements_schema is None:
        why = f"The extension pg_stat_statements is not installed in database “{facts.database}”."
        return Feature(name, "denied", why, "CREATE EXTENSION pg_stat_statements;")
    if facts.statements_problem is not None:
        return Feature(name, "denied", facts.statements_problem, facts.statements_remedy)
    if facts.statements_track == "none":
        why = "pg_stat_statements.track is none: nothing is recorded."
        return Feature(name, "denied", why, _setting("pg_stat_statements.track", "top"))
    if facts.statements_hidden:
        why = f"{facts.statements_hidden} statements of other roles are hidden from “{facts.role}”."
        return Feature(name, "degraded", why, _grant("pg_read_all_stats", facts))
    return Feature(name, "ok", "All statements are visible.")


def _io_times(facts: Facts) -> Feature:
    if facts.times_io is False:
        why = "track_io_timing is off: how long reads and writes take is unknown."
        return Feature("Read and write times", "degraded", why, _setting("track_io_timing"))
    return Feature("Read and write times", "ok", "Reads and writes are timed.")


def _settings(facts: Facts) -> Feature:
    if facts.reads_all_settings:
        return Feature("Server settings", "ok", "All settings are visible.")
    why = "Settings that only privileged roles may see are hidden."
    return Feature("Server settings", "degraded", why, _grant("pg_monitor", facts))


def _standby(facts: Facts) -> Feature:
    if facts.is_standby:
        return Feature("Role of the server", "ok", "A standby: its counters are its own, not those of the primary.")
    return Feature("Role of the server", "ok", "A primary.")


def _grant(name: str, facts: Facts) -> str:
    return f"GRANT {name} TO {quoted(facts.role)};"


def _setting(name: str, value: str = "on") -> str:
    return f"ALTER SYSTEM SET {name} = {value};\nSELECT pg_reload_conf();"


def quoted(name: str) -> str:
    """An SQL identifier that is safe to paste, whatever the name holds."""
    return '"' + name.replace('"', '""') + '"'
