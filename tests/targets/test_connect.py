"""Reading from a target: read-only, limited, one statement at a time, and cut when it freezes."""

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from dashboard.targets.connect import TargetBusy, TargetRefused, TargetUnreachable, address_of, reading
from dashboard.targets.failures import FROZEN, NOBODY, SIGN_IN, TLS
from dashboard.targets.probes import Older, Probe


def refused_state(reader, sql, params=None) -> str:
    with pytest.raises(TargetRefused) as refused, reader.savepoint():
        reader.rows(sql, params)
    return refused.value.sqlstate


def failure_of(address) -> TargetUnreachable:
    with pytest.raises(TargetUnreachable) as failure, reading(address):
        pass
    return failure.value


def test_a_second_statement_in_the_text_is_a_syntax_error(watched):
    with reading(watched.address) as reader:
        assert refused_state(reader, "select 1; commit; create table pwn(a int)") == "42601"
        assert reader.rows("select 1 as alive") == [{"alive": 1}]
    assert watched.database.execute("select to_regclass('pwn')") == [(None,)]


def test_nothing_can_be_written(watched):
    watched.database.execute(f"grant create on schema public to {watched.role}")
    with reading(watched.address) as reader:
        assert refused_state(reader, "create table public.pwn(a int)") == "25006"


def test_a_slow_statement_is_ended_by_the_server(watched):
    with reading(watched.address, statement_timeout_ms=200) as reader:
        assert refused_state(reader, "select pg_sleep(5)") == "57014"


def test_somebodys_lock_is_not_waited_for(watched):
    watched.database.execute("create table held(a int); grant select on held to public")
    with watched.database.server.connect(watched.database.name) as other, other.transaction():
        other.execute("lock table held in access exclusive mode")
        began = time.monotonic()
        with reading(watched.address) as reader:
            assert refused_state(reader, "select * from public.held") == "55P03"
            assert reader.rows("select 1 as alive") == [{"alive": 1}]
        assert time.monotonic() - began < 2


def test_a_frozen_back_end_is_cut_by_our_watchdog(watched):
    with reading(watched.address, statement_timeout_ms=300) as reader:
        pid = reader.rows("select pg_backend_pid() as pid")[0]["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(TargetUnreachable, match=FROZEN):
                reader.rows("select 1")
            assert 1 < time.monotonic() - began < 3
        finally:
            os.kill(pid, signal.SIGCONT)
    with reading(watched.address) as again:
        assert again.rows("select 1 as alive") == [{"alive": 1}]


def test_a_connection_that_died_while_idle_is_replaced(watched):
    with reading(watched.address) as reader:
        pid = reader.rows("select pg_backend_pid() as pid")[0]["pid"]
    watched.database.execute("select pg_terminate_backend(%s, 5000)", [pid])
    with reading(watched.address) as reader:
        assert reader.rows("select 1 as alive") == [{"alive": 1}]


def test_connections_are_kept_and_their_limits_are_not(watched):
    pids = set()
    for timeout_ms in (1000, 2000):
        with reading(watched.address, statement_timeout_ms=timeout_ms) as reader:
            row = reader.rows("select pg_backend_pid() as pid, current_setting('statement_timeout') as timeout")[0]
            assert row["timeout"] == f"{timeout_ms // 1000}s"
            pids.add(row["pid"])
    assert len(pids) == 1


def test_the_session_is_ours_to_recognise(watched):
    settings = ("application_name", "search_path", "transaction_read_only", "lock_timeout", "TimeZone")
    with reading(watched.address) as reader:
        found = [reader.rows("select current_setting(%(name)s) as it", {"name": name})[0]["it"] for name in settings]
    assert found == ["pilothouse", "pg_catalog", "on", "300ms", "UTC"]


def test_busy_connections_are_said_at_once(watched):
    with (
        reading(watched.address),
        reading(watched.address),
        pytest.raises(TargetBusy),
        reading(watched.address, wait_s=0.1),
    ):
        pass


@contextmanager
def listening(answer: bytes):
    """Something that is not PostgreSQL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            with server.accept()[0] as caller:
                caller.recv(1024)
                caller.sendall(answer)

        threading.Thread(target=speak, daemon=True).start()
        yield server.getsockname()[1]


def test_refused_silent_and_foreign_servers_read_alike(watched):
    here = replace(watched.address, host="127.0.0.1", sslmode="disable")
    with socket.create_server(("127.0.0.1", 0)) as silent, listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as foreign:
        ports = (1, silent.getsockname()[1], foreign)
        failures = [failure_of(replace(here, target_id=port, port=port)) for port in ports]
    assert [(failure.sentence, failure.lasting) for failure in failures] == [(NOBODY, False)] * 3


def test_a_wrong_password_is_tried_once(watched):
    wrong = replace(watched.address, password="wrong")
    assert (failure_of(wrong).sentence, failure_of(wrong).lasting) == (SIGN_IN, True)
    entries = (watched.database.server.cluster.parent / "postgres.log").read_text().count(f'user "{watched.role}"')
    assert entries <= 1


def test_a_server_without_tls_is_refused_where_tls_is_asked(watched):
    with listening(b"N") as port:
        failure = failure_of(replace(watched.address, host="127.0.0.1", port=port, sslmode="verify-full"))
    assert (failure.sentence, failure.lasting) == (TLS, True)


def test_a_database_name_is_never_taken_for_parameters(watched):
    failure = failure_of(replace(watched.address, dbname="dbname=postgres sslmode=disable host=10.0.0.1"))
    assert failure.sentence == SIGN_IN


@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "a,b", "/run/postgresql", "0.0.0.0"])  # noqa: S104
def test_forbidden_addresses_are_not_even_tried(host, watched):
    assert failure_of(replace(watched.address, host=host)).lasting


def test_an_open_circuit_answers_at_once(watched):
    gone = replace(watched.address, host="127.0.0.1", port=1, sslmode="disable")
    failure_of(gone)
    began = time.monotonic()
    assert failure_of(gone).sentence == NOBODY
    assert time.monotonic() - began < 0.1


def test_a_password_sealed_for_another_row_signs_nobody_in(watched):
    target = watched.target
    target.logins[0].id += 1000
    with watched.app.app_context(), pytest.raises(TargetUnreachable, match="SECRET_KEY"):
        address_of(target)


def test_whatever_bytes_come_back_become_text(watched, server):
    with server.connect() as setup:
        setup.execute("create database ascii template template0 encoding sql_ascii locale_provider libc locale 'C'")
    try:
        with reading(replace(watched.address, dbname="ascii"), pooled=False) as reader:
            assert reader.rows(r"select E'\xff<b>' || chr(7) as it")[0]["it"] == "�<b>\x07"
            lines = reader.lines(
                r"select E'\xff\n' as it, null as nothing, '%s' as text union all select 'b', 'c', 'd'"
            )
            assert lines == ["�\\n\t\\N\t%s".encode(), b"b\tc\td"]
    finally:
        with server.connect() as setup:
            setup.execute("drop database ascii with (force)")


def test_columns_that_a_view_lacks_are_replaced(watched):
    older = (Older("pg_stat_database", "not_there_yet", "d.not_there_yet", "null::bigint"),)
    probe = Probe("old", "select d.not_there_yet as it from pg_stat_database d limit 1", older)
    with reading(watched.address) as reader:
        assert reader.ask(probe) == [{"it": None}]


def test_a_replacement_that_fits_nowhere_is_a_mistake():
    with pytest.raises(ValueError, match="not_there"):
        Probe.read("dashboard/server/collect.py", "database.sql", older=(Older("v", "c", "not_there", "null"),))


def test_an_extension_is_found_in_whatever_schema(watched):
    watched.database.execute('drop extension pg_stat_statements; create schema "o""dd 100%"')
    probe = Probe("n", "select count(*) as n from public.pg_stat_statements", extension="pg_stat_statements")
    with reading(watched.address) as reader:
        with pytest.raises(TargetRefused) as refused, reader.savepoint():
            reader.ask(probe)
        assert refused.value.remedy_sql == "CREATE EXTENSION pg_stat_statements;"
        watched.database.execute('create extension pg_stat_statements schema "o""dd 100%"')
        with pytest.raises(TargetRefused) as refused, reader.savepoint():
            reader.ask(probe)
        assert refused.value.remedy_sql == f'GRANT USAGE ON SCHEMA "o""dd 100%" TO "{watched.role}";'
        watched.database.execute(refused.value.remedy_sql)
        assert reader.ask(probe)[0]["n"] >= 0


def test_what_a_role_may_not_read_comes_with_the_grant(watched):
    watched.database.execute("create table secret(a int)")
    with reading(watched.address) as reader, pytest.raises(TargetRefused) as refused:
        reader.rows("select * from public.secret")
    assert (refused.value.sqlstate, refused.value.remedy_sql) == ("42501", f'GRANT pg_monitor TO "{watched.role}";')
    assert "secret" not in refused.value.sentence


def test_what_it_cost_is_counted(watched):
    with reading(watched.address) as reader:
        reader.rows("select * from generate_series(1, 2500)")
        assert (reader.statements, reader.rows_read > 2499, reader.target_ms > 0) == (2, True, True)
        assert len(reader.lines("select * from generate_series(1, 2500)")) == 2500
        assert (reader.statements, reader.rows_read > 4999) == (3, True)


def test_lines_are_refused_and_ended_like_rows(watched):
    with reading(watched.address, statement_timeout_ms=200) as reader:
        for sql, state in (("select 1 / 0", "22012"), ("select pg_sleep(5)", "57014"), ("select 1 as", "42601")):
            with pytest.raises(TargetRefused) as refused, reader.savepoint():
                reader.lines(sql)
            assert refused.value.sqlstate == state
        with pytest.raises(TargetRefused) as refused, reader.savepoint():
            reader.lines("select 1) to stdout; select pg_notify('a', 'b'); copy (select 1")
        assert (refused.value.sqlstate, reader.lines("select 1")) == ("42601", [b"1"])
