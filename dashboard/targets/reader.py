"""Questions to a target inside one transaction: timed, watched, and their failures told in sentences."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import Cursor, RawCursor
from psycopg._queries import PostgresQuery
from psycopg.pq import ConnStatus, TransactionStatus
from psycopg.rows import dict_row, tuple_row

from dashboard.targets.failures import FROZEN, TargetRefused, TargetUnreachable, grant_usage, statement_failure
from dashboard.targets.pools import Address, Link, Pools
from dashboard.targets.probes import Probe
from dashboard.targets.session import COLUMNS, SCHEMA

T = TypeVar("T")
WATCHDOG_MARGIN_S = 1.0
ROWS_AT_ONCE = 1_000
NOT_AS_LEARNT = {"42", "3F"}


class CopyingCursor(Cursor[Any]):
    """COPY by the extended protocol, which a second statement in the text does not go through."""

    def _execute_send(
        self, query: PostgresQuery, *, force_extended: bool = True, binary: bool | None = None
    ) -> None:  # fmt: skip
        super()._execute_send(query, force_extended=force_extended, binary=binary)


class Reader:
    """Questions inside one READ ONLY transaction; `statements`, `rows_read` and `target_ms` say what they cost."""

    def __init__(self, link: Link, pools: Pools, address: Address, statement_timeout_ms: int) -> None:
        self.link, self.pools, self._address = link, pools, address
        self._statement_timeout_ms = statement_timeout_ms
        self.statements, self.rows_read, self.target_ms = 0, 0, 0.0

    @property
    def server_version(self) -> int:
        """As PostgreSQL numbers itself: 180006."""
        return self.link.connection.info.server_version

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """The answer of one query. Raises TargetRefused or TargetUnreachable."""
        connection = self.link.connection
        budget_s = self._statement_timeout_ms / 1000 + WATCHDOG_MARGIN_S
        with self._guarded(budget_s), connection.cursor(row_factory=dict_row) as cursor:
            # stream() always speaks the extended protocol: a second statement in the text is a syntax error.
            found = list(cursor.stream(sql.encode(), params, size=ROWS_AT_ONCE))
        self.rows_read += len(found)
        return found

    def foreign(self, sql: str, values: Sequence[str | None] = (), *, is_one: bool = False) -> list[dict[str, Any]]:
        """A statement with somebody's text in it: its rows, if any. Its errors may hold data, so no log gets them.

        `is_one`: the server has taken this text for one statement before, so that the simple protocol is safe.
        """
        budget_s = self._statement_timeout_ms / 1000 + WATCHDOG_MARGIN_S
        with self._guarded(budget_s, is_foreign=True), RawCursor(self.link.connection, row_factory=dict_row) as cursor:
            cursor.execute(sql.encode(), list(values) or None, binary=None if is_one else True)  # binary: extended
            found = cursor.fetchall() if cursor.description else []
        self.rows_read += len(found)
        return found

    def numbers(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer of one query that tells no texts, which may be of any bytes: half as dear as `rows`."""
        budget_s = self._statement_timeout_ms / 1000 + WATCHDOG_MARGIN_S
        with self._guarded(budget_s), self.link.connection.cursor(row_factory=tuple_row) as cursor:
            found = list(cursor.stream(sql.encode(), size=ROWS_AT_ONCE, binary=True))
        self.rows_read += len(found)
        return found

    def lines(self, sql: str) -> list[bytes]:
        """The answer of one query in lines as COPY writes them, in UTF-8, for whoever passes them on."""
        budget_s = self._statement_timeout_ms / 1000 + WATCHDOG_MARGIN_S
        copied = f"copy (\n{sql}\n) to stdout".encode()
        with self._guarded(budget_s), CopyingCursor(self.link.connection) as cursor, cursor.copy(copied) as told:
            found = b"".join(told)
        lines = found.decode("utf-8", "replace").encode().split(b"\n")[:-1]
        self.rows_read += len(lines)
        return lines

    def ask(self, probe: Probe, **params: Any) -> list[dict[str, Any]]:
        """The answer of a probe, in the words that this server's views understand."""
        sql = probe.sql_for(self.columns_of, self.schema_of, bound=bool(params))
        return self._asked(probe, lambda: self.rows(sql, params or None))

    def ask_numbers(self, probe: Probe) -> list[tuple[Any, ...]]:
        """The answer of a probe that tells no texts, as tuples in the order of its columns."""
        sql = probe.sql_for(self.columns_of, self.schema_of, bound=False)
        return self._asked(probe, lambda: self.numbers(sql))

    def ask_lines(self, probe: Probe) -> list[bytes]:
        """The answer of a probe, a line for each row: several times faster than `ask` where nobody looks into it."""
        sql = probe.sql_for(self.columns_of, self.schema_of, bound=False)
        return self._asked(probe, lambda: self.lines(sql))

    def _asked(self, probe: Probe, question: Callable[[], T]) -> T:
        try:
            return question()
        except TargetRefused as refused:
            self.link.is_outdated |= refused.sqlstate[:2] in NOT_AS_LEARNT
            if refused.sqlstate == "42501" and probe.extension is not None:
                remedy = grant_usage(self.link.schemas[probe.extension], self._address.user)
                raise TargetRefused(refused.sqlstate, refused.sentence, remedy) from None
            raise

    def columns_of(self, view: str) -> frozenset[str]:
        """The columns that a view (qualified and quoted) really has; none when there is no such view."""
        if view not in self.link.columns:
            self.link.columns[view] = frozenset(row["name"] for row in self.rows(COLUMNS, {"view": view}))
        return self.link.columns[view]

    def schema_of(self, extension: str) -> str | None:
        """Where an extension lives in this database; None when it is not installed."""
        if extension not in self.link.schemas:
            found = self.rows(SCHEMA, {"extension": extension})
            if not found:
                return None
            self.link.schemas[extension] = found[0]["name"]
        return self.link.schemas[extension]

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A statement that fails in here does not lose the transaction; its error goes on to the caller."""
        self._command("savepoint pilothouse")
        try:
            yield
        except TargetRefused:
            self._command("rollback to savepoint pilothouse")
            raise
        finally:
            if self.link.connection.info.transaction_status == TransactionStatus.INTRANS:
                self._command("release savepoint pilothouse")

    def _command(self, sql: str) -> None:
        with self._guarded(self._statement_timeout_ms / 1000 + WATCHDOG_MARGIN_S):
            self.link.connection.execute(sql.encode())

    @contextmanager
    def _guarded(self, seconds: float, *, is_foreign: bool = False) -> Iterator[None]:
        """One statement: timed, watched, and its failure told in a sentence."""
        connection, started = self.link.connection, _now_ms()
        if connection.closed:
            raise TargetUnreachable(FROZEN)
        self.statements += 1
        with self.pools.watchdog.limit(connection.pgconn.socket, seconds) as watch:
            try:
                yield
            except psycopg.Error as error:
                if watch.fired:
                    raise TargetUnreachable(FROZEN) from None
                raise statement_failure(
                    error,
                    self._address.slug,
                    user=self._address.user,
                    statement_timeout_ms=self._statement_timeout_ms,
                    lost=connection.pgconn.status != ConnStatus.OK,
                    is_secret=is_foreign,
                ) from None
            finally:
                self.target_ms += _now_ms() - started


def _now_ms() -> float:
    return time.monotonic() * 1000
