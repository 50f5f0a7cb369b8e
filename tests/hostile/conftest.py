"""A store full of hostile words: everything that can be named by somebody was named to break a page."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from psycopg import sql

from dashboard.alerts.collect import check
from dashboard.approvals.models import ChangeRequest
from dashboard.flags import edits as flags
from dashboard.flags import pinning, segments
from dashboard.flags.configuration import KIND, definition_of
from dashboard.flags.rules import Definition
from dashboard.jobs import COLLECTORS
from dashboard.security.audit import record
from dashboard.security.key_edits import create_key
from dashboard.security.models import Account
from dashboard.store import db
from dashboard.targets.edits import add_target
from dashboard.targets.environment_edits import add_environment
from dashboard.targets.models import Environment, Target
from dashboard.targets.run import collect_target
from tests.conftest import close, make_app, run_sql

SCHEMA = (Path(__file__).parent.parent / "hostile.sql").read_text("utf-8")
DATABASE = """db "q" 'x' <img src=x onerror=alert('db')> %41 \\ {{7*7}}"""
WATCHER = """watch "q" 'x' <b>&%s{{7*7}}\\ ü"""
EXPLAINER = """explain "q" 'x' <i>&%s{{7*7}}\\ ü"""
ROLE = "<img src=x onerror=alert('role')> \"'%s\\\n{{7*7}}"
APPLICATION = "<script>alert('application')</script>{{7*7}}%s"
WORDS = """=1+1 </textarea></script><script>alert('words')</script> "onmouseover='alert(1)' {{ 7 * 7 }} %s \\ \u202e"""
PASSWORD = "a watching password"
STATEMENTS = (
    "select /* </script><script>alert('query')</script> {{ 7 * 7 }} */ 1 as \"=cmd()\" from pg_class",
    "select '%s', E'\\\\', 1 as \"<img src=x onerror=alert('column')>\" from pg_type",
    "select\n\t2 as \"new\nline\" from pg_proc -- <svg onload=alert('comment')>\n",
    '-- \u202e txet\nselect 3 as "ü数据 </pre><b>" from pg_index',
)
REVISION = '''"""{message}"""
__author__ = {words!r}
revision = {revision!r}
down_revision = {down!r}
branch_labels = {labels!r}
def upgrade(): pass
'''
JSON = {"<script>alert('key')</script>": WORDS, "deep": [None, {"{{ 7 * 7 }}": ["</script>", "\u2028", "\x7f"]}]}


made: list["Hostile"] = []


@dataclass(frozen=True)
class Hostile:
    """The app, and the target's database for comparing."""

    app: Flask
    server: Any


@pytest.fixture(scope="session")
def hostile(server: Any, store_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """Collected twice for real; sessions with hostile names stay open meanwhile. The browser's tests share it."""
    if made:
        yield made[0]
        return
    run_sql(server, "create database {} template {} owner pilothouse", "hostile_store", store_template)
    run_sql(server, "create database {}", DATABASE)
    run_sql(server, f"create role {{}} login password '{PASSWORD}' in role pg_monitor", WATCHER)
    run_sql(server, f"create role {{}} login password '{PASSWORD}' in role pg_read_all_data", EXPLAINER)
    run_sql(server, "create role {} login superuser", ROLE)
    app = make_app(server, "hostile_store")
    with ExitStack() as sessions:
        with app.app_context():
            _fill(server, sessions, _folder(tmp_path_factory.mktemp("migrations")))
        made.append(Hostile(app, server))
        yield made[0]
    close(app)


def _fill(server: Any, sessions: ExitStack, folder: Path) -> None:
    with server.connect(DATABASE) as connection:
        for statement in ("create extension pg_stat_statements", SCHEMA, *_heads()):
            connection.execute(statement)
    target = _target(server, folder)
    _people_and_flags()
    for ago in (3, 2):
        _collect(target, ago)
        _work(server, sessions)
    _unreachable(server)


def _heads() -> Iterator[str]:
    yield "create table public.alembic_version (version_num text primary key)"
    yield f"grant select on public.alembic_version to {sql.Identifier(WATCHER).as_string(None)}"
    yield "insert into public.alembic_version values ('a1')"


def _folder(folder: Path) -> Path:
    """Two revisions of hostile words and a file that nobody can read as Python."""
    revisions = (("a1", None, ()), ("b<1>", "a1", (WORDS,)))
    for number, (revision, down, labels) in enumerate(revisions):
        text = REVISION.format(message=WORDS, words=WORDS, revision=revision, down=down, labels=labels)
        (folder / f"{number}_<img src=x onerror=alert(1)>.py").write_text(text, "utf-8")
    (folder / "<script>alert('file')<.py").write_text("revision = (", "utf-8")
    return folder


def _target(server: Any, folder: Path) -> Target:
    add_environment({"slug": "hostile", "name": WORDS[:60], "color": "red", "position": "9", "is_production": "1"})
    values = {
        "slug": "shop", "name": WORDS[:60], "environment": "hostile", "host": str(server.socket_dir),
        "dbname": DATABASE, "user": WATCHER, "password": PASSWORD, "migrations": str(folder),
        "explain_user": EXPLAINER, "explain_password": PASSWORD,
    }  # fmt: skip
    target = add_target(values, origin="command")
    db.session.commit()
    return target


def _collect(target: Target, ago: int) -> None:
    slot = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=ago)
    outcome = collect_target(target.id, slot, COLLECTORS, by_hand=True)
    assert (outcome.unavailable, outcome.unreachable) == ({}, None)


def _work(server: Any, sessions: ExitStack) -> None:
    connection = sessions.enter_context(server.connect(DATABASE))
    connection.execute(sql.SQL("set session authorization {}").format(sql.Identifier(ROLE)))
    connection.execute("select set_config('application_name', %s, false)", [APPLICATION])
    for statement in ("begin", *STATEMENTS, STATEMENTS[0]):
        connection.execute(statement)


def _people_and_flags() -> None:
    db.session.add(Account(email="<img@example.com", name=WORDS, password_hash="-", role="viewer"))
    create_key(name=WORDS[:60], kind="read")
    flag = flags.create_flag("words", "object", flags.Shared(WORDS, "release", WORDS[:60], (WORDS[:40],)))
    environment = db.session.query(Target).one().environment
    variants = {"<script>alert('variant')</script>": JSON, "{{ 7 * 7 }}": {}}
    definition = Definition(True, variants, "{{ 7 * 7 }}", None, {"<b>": WORDS})
    flags.set_in_environment(flag, environment, definition, version=0, reason=WORDS)
    greeting = flags.create_flag("greeting", "string", flags.Shared(WORDS, KIND, WORDS[:60], (WORDS[:40],)))
    flags.set_in_environment(greeting, environment, definition_of(WORDS), version=0, reason=WORDS)
    record(WORDS, WORDS, before={WORDS: WORDS}, after=JSON, reason=WORDS, author=WORDS)
    asked = {"flag_id": flag.id, "subject": flag.key, "environment_id": environment.id, "place": environment.slug}
    said = {"action": "flag.set", "title": WORDS, "reason": WORDS, "author": WORDS, "base_version": 1}
    document = {"variants": variants, "defaultVariant": "{{ 7 * 7 }}", "metadata": {"<i>": WORDS}}
    db.session.add(ChangeRequest(**asked, **said, before=document | {"metadata": JSON}, document=document))
    _segments(environment)
    db.session.commit()


def _segments(environment: Environment) -> None:
    """One of two versions, one that was removed, and a way of drawing percentages that was pinned."""
    rule = {"and": [{"==": [{"var": WORDS[:60]}, WORDS]}, {"in": [{"var": "<b>"}, [WORDS, "{{ 7 * 7 }}"]]}]}
    segments.save(environment, "work_mem", "", {"==": [{"var": ""}, JSON]}, version=0, reason=WORDS)
    for version, name in ((1, "work_mem"), (0, "gone")):
        segments.save(environment, name, WORDS, rule, version=version, reason=WORDS)
    segments.remove(environment, "gone", version=1, reason=WORDS)
    pinning.pin(environment, "v3", seen=None, reason=WORDS)


def _unreachable(server: Any) -> None:
    values = {"slug": "away", "name": WORDS[:60], "environment": "hostile", "host": str(server.socket_dir)}
    away = add_target(values | {"dbname": WORDS[:40], "user": WORDS[:40], "password": "x"}, origin="command")
    away.state, away.unreachable_reason = "unreachable", WORDS
    away.unreachable_since = datetime.now(UTC) - timedelta(hours=1)
    db.session.commit()
    check(datetime.now(UTC))


@pytest.fixture
def admin(hostile: Hostile, sign_in: Callable[..., Any]) -> Any:
    return sign_in(hostile.app, "admin")
