"""Asks a target for plans, on the explaining role that its owner opted into: read-only, rolled back, time-limited.

Planning may run functions of the watched database, and errors may quote its rows: nothing of what the server says about
a failure leaves this module but its SQLSTATE.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dashboard.plans.forms import Wish
from dashboard.plans.parameters import parameter_count, plannable, without_null_tests
from dashboard.plans.recorded import tables_of
from dashboard.plans.refusals import Holder, Readable, Refusal, forbidden, locked, refusal_of
from dashboard.targets.connect import Reader, TargetRefused, TargetUnreachable, address_of, reading
from dashboard.targets.models import Target
from dashboard.targets.probes import Probe, quoted

PLAN_MS, RUN_MS, LOCK_MS = 3_000, 10_000, 300
GENERIC_SINCE = 160_000
STATEMENT = "pilothouse_plan"
HOLDERS = Probe.read(__file__, "holders.sql")
SEARCH_PATH = """
select s.reset_val as search_path, pg_catalog.set_config('search_path', s.reset_val, true) as applied
from pg_catalog.pg_settings s
where s.name = 'search_path'
"""
FORCE_GENERIC = "select pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true) as applied"
TYPES = """
select p.parameter_types::text[] as types
from pg_catalog.pg_prepared_statements p
where p.name = %(name)s
"""
READABLE = """
select
    n.nspname::text as schema,
    c.relname::text as name,
    pg_catalog.has_schema_privilege(%(role)s, n.oid, 'usage') as uses_schema,
    pg_catalog.has_table_privilege(%(role)s, c.oid, 'select') as reads
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname = any(%(names)s) and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname <> all(array['pg_catalog', 'information_schema', 'pg_toast'])
order by n.nspname, c.relname
limit 20
"""
UNTYPED = {"42P18", "42P08"}
REWRITTEN = "The rules of its table rewrite the statement, so that it has no plan of its own."
TOO_DEEP = "Its plan is too large to be shown."


@dataclass(frozen=True)
class Answer:
    """EXPLAIN's JSON as it came; `search_path` is where names without a schema were looked up."""

    kind: str
    document: dict[str, Any]
    search_path: str
    server_version: int


class Refused(Exception):  # noqa: N818 - reads as what happened
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.sentence)


class Asking:
    """One connection of the explaining role, closed at the end: nothing that planning did stays behind in a pool."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.search_path = str(reader.rows(SEARCH_PATH)[0]["search_path"])

    def plan(self, text: str, wish: Wish) -> Answer:
        """Raises Refused (the transaction goes on) and TargetUnreachable."""
        try:
            rows = self._tried(text, wish)
        except TargetRefused as refused:
            raise Refused(refusal_of(refused.sqlstate)) from None
        except RecursionError:
            raise Refused(Refusal(None, TOO_DEEP)) from None
        told = next(iter(rows[0].values())) if rows else []
        if not told or "Plan" not in told[0]:
            raise Refused(Refusal(None, REWRITTEN))
        return Answer(wish.kind, told[0], self.search_path, self.reader.server_version)

    def _tried(self, text: str, wish: Wish) -> list[dict[str, Any]]:
        """A second time when the server lacks the type of what is tested for NULL: without the test it finds it."""
        types = dict(wish.types)
        try:
            return self._explained(plannable(text, types), wish)
        except TargetRefused as refused:
            without = without_null_tests(plannable(text, types))
            if refused.sqlstate not in UNTYPED or without == text:
                raise
            found = {number: kind for number, kind in enumerate(self._types(without), 1) if number not in types}
            return self._explained(plannable(text, found | types), wish)

    def _types(self, sql: str) -> list[str]:
        with self.reader.savepoint():
            self.reader.foreign(f"prepare {STATEMENT} as {sql}")
            try:
                return list(self.reader.rows(TYPES, {"name": STATEMENT})[0]["types"])
            finally:
                self._forget()

    def _explained(self, sql: str, wish: Wish) -> list[dict[str, Any]]:
        """PREPARE takes exactly one statement that has a plan, by the server's own parser; what it took can neither
        end the transaction nor hold a second statement when EXPLAIN reads it again.
        """
        reader = self.reader
        with reader.savepoint():
            reader.foreign(f"prepare {STATEMENT} as {sql}")
            try:
                with reader.savepoint():
                    return self._told(sql, wish)
            finally:
                self._forget()

    def _told(self, sql: str, wish: Wish) -> list[dict[str, Any]]:
        """Values are bound: they stand in no text that pg_stat_statements or a log could keep."""
        reader, count = self.reader, parameter_count(sql)
        if wish.kind != "generic":
            options = "analyze, buffers, " if wish.kind == "analyze" else ""
            values = [*wish.values, *[None] * count][:count]
            return reader.foreign(f"explain ({options}verbose, format json) {sql}", values)
        if reader.server_version >= GENERIC_SINCE:
            return reader.foreign(f"explain (generic_plan, verbose, format json) {sql}", is_one=True)
        reader.rows(FORCE_GENERIC)
        nulls = f"({', '.join(['null'] * count)})" if count else ""
        return reader.foreign(f"explain (verbose, format json) execute {STATEMENT}{nulls}")

    def _forget(self) -> None:
        """A prepared statement outlives its transaction, and behind a pooler even our connection."""
        if not self.reader.link.connection.closed:
            self.reader.foreign(f"deallocate {STATEMENT}")


@contextmanager
def asking(target: Target, *, timeout_ms: int = PLAN_MS) -> Iterator[Asking]:
    """Raises TargetUnreachable, also when no role to explain is registered."""
    with reading(
        address_of(target, "explain"), statement_timeout_ms=timeout_ms, lock_timeout_ms=LOCK_MS, pooled=False
    ) as reader:
        yield Asking(reader)


def plan(target: Target, text: str, wish: Wish) -> Answer:
    """One plan now. Raises Refused with everything that helps, and TargetUnreachable."""
    timeout_ms = RUN_MS if wish.kind == "analyze" else PLAN_MS
    try:
        with asking(target, timeout_ms=timeout_ms) as asked:
            return asked.plan(text, wish)
    except Refused as refused:
        raise Refused(helped(target, text, refused.refusal)) from None
    except TargetRefused as refused:
        raise Refused(refusal_of(refused.sqlstate)) from None


def helped(target: Target, text: str, refusal: Refusal) -> Refusal:
    """The refusal with who holds the lock or which GRANT is missing, as the watching role sees it."""
    if refusal.sqlstate not in {"55P03", "42501"}:
        return refusal
    names = tables_of(text)
    try:
        with reading(address_of(target), wait_s=1.0) as reader:
            if refusal.sqlstate == "55P03":
                return locked(refusal, [Holder(**row) for row in reader.ask(HOLDERS)], names)
            role = address_of(target, "explain").user
            return forbidden(role, _readable(reader, role, names), quoted)
    except (TargetRefused, TargetUnreachable):
        return refusal


def _readable(reader: Reader, role: str, names: Sequence[str]) -> list[Readable]:
    return [Readable(**row) for row in reader.rows(READABLE, {"role": role, "names": list(names)})]


def is_opted_in(target: Target) -> bool:
    return any(login.purpose == "explain" for login in target.logins)
