"""What the roles for explaining and steering may do: lines of the capability card when they are registered (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.targets.capabilities import Facts, Feature, excess, quoted

EXPLAINING, STEERING = "Explaining", "Steering"
SIGNALS = "pg_signal_backend"
MOST_GRANTS = 10


@dataclass(frozen=True)
class Readable:
    """How many tables and views of a schema there are, and how many of them the role may not read."""

    schema: str
    tables: int
    unreadable: int
    uses_schema: bool

    @property
    def is_closed(self) -> bool:
        return self.unreadable == self.tables or not self.uses_schema


@dataclass(frozen=True)
class Login:
    """What was found signing in as a role; `problem` is why that did not work, and then there are no facts."""

    role: str
    problem: str | None = None
    facts: Facts | None = None
    schemas: Sequence[Readable] = ()


def explaining(login: Login) -> list[Feature]:
    """Signs in, reads what it explains, has no more rights than that."""
    if login.facts is None:
        return [_away(EXPLAINING, login)]
    # Whoever chooses pg_read_all_data chooses to let it read everything; it may still not write.
    rights = excess(login.facts, EXPLAINING, needed={"pg_read_all_data"}, needs="explaining")
    return [*rights, _reading(login)]


def steering(login: Login) -> list[Feature]:
    """Signs in, may signal sessions, has no more rights than that."""
    if login.facts is None:
        return [_away(STEERING, login)]
    needed = {SIGNALS, "pg_signal_autovacuum_worker", "pg_maintain", "pg_checkpoint"}
    rights = excess(login.facts, STEERING, needed=needed, needs="steering")
    if SIGNALS in login.facts.strong_roles or login.facts.is_superuser:
        return [*rights, Feature(STEERING, "ok", f"“{login.role}” can cancel statements and end sessions of others.")]
    why = f"“{login.role}” signs in, but may only cancel statements of its own role."
    return [*rights, Feature(STEERING, "denied", why, f"GRANT {SIGNALS} TO {quoted(login.role)};")]


def _away(feature: str, login: Login) -> Feature:
    return Feature(feature, "denied", f"“{login.role}” cannot be used: {login.problem}")


def _reading(login: Login) -> Feature:
    """Schemas that were never opened may be meant so; a table left out in an open one is not."""
    closed = [one for one in login.schemas if one.is_closed]
    gaps = [one for one in login.schemas if not one.is_closed and one.unreadable]
    if login.schemas and len(closed) == len(login.schemas):
        why = f"“{login.role}” signs in, but may read no table here: no statement can be explained."
        return Feature(EXPLAINING, "denied", why, _grants(login, closed))
    if gaps:
        told = ", ".join(f"{one.unreadable} of {one.tables} in {one.schema}" for one in gaps[:MOST_GRANTS])
        why = f"“{login.role}” may not read every table: {told}. Statements on them are not explained."
        return Feature(EXPLAINING, "degraded", why, _grants(login, gaps))
    tables = sum(one.tables for one in login.schemas if not one.is_closed)
    why = f"“{login.role}” signs in and may read {tables} tables and views."
    if closed:
        why += f" Not opened to it: {', '.join(one.schema for one in closed[:MOST_GRANTS])}."
    return Feature(EXPLAINING, "ok", why)


def _grants(login: Login, schemas: Sequence[Readable]) -> str:
    role, lines = quoted(login.role), []
    for one in schemas[:MOST_GRANTS]:
        if not one.uses_schema:
            lines.append(f"GRANT USAGE ON SCHEMA {quoted(one.schema)} TO {role};")
        lines.append(f"GRANT SELECT ON ALL TABLES IN SCHEMA {quoted(one.schema)} TO {role};")
    return "\n".join(lines)
