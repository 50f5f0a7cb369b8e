"""The demo shop's database on the built-in server: roles, revisions, rows; made in seconds, dropped in one."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from psycopg import sql
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from dashboard.embedded import Server
from dashboard.tables.bloat_grant import lending

DATABASE = "pilothouse_demo"
OWNER = "demo_shop"
WATCHER = "demo_watch"
EXPLAINER = "demo_explain"
STEERER = "demo_steer"
REVISIONS = Path(__file__).parent / "revisions"
SEED = Path(__file__).parent / "seed.sql"
APPLIED = "d3cef9a7b068"


def key_file(server: Server) -> Path:
    """Where the load finds its key."""
    return server.data_dir / "demo.key"


def ensure(server: Server) -> None:
    """Make what is missing: a second call, or one after a killed first, ends at the same database."""
    server.ensure_database(DATABASE, owner=OWNER)
    with server.connect(DATABASE) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        for role in (WATCHER, EXPLAINER, STEERER):
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                password = sql.Literal(server.password(role))
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), password))
        connection.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(WATCHER)))
        steers = sql.SQL("GRANT pg_signal_backend, pg_read_all_stats TO {}").format(sql.Identifier(STEERER))
        connection.execute(steers)
    migrate(server, APPLIED)
    with server.connect(DATABASE) as connection:
        connection.execute(sql.SQL("GRANT SELECT ON alembic_version TO {}").format(sql.Identifier(WATCHER)))
        counts = sql.SQL("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(sql.Identifier(WATCHER))
        connection.execute(counts)
        connection.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
        connection.execute(lending(WATCHER).encode())
        reads = sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(EXPLAINER))
        connection.execute(reads)
        later = "ALTER DEFAULT PRIVILEGES FOR ROLE {} IN SCHEMA public GRANT SELECT ON TABLES TO {}"
        connection.execute(sql.SQL(later).format(sql.Identifier(OWNER), sql.Identifier(EXPLAINER)))
        if not connection.execute("SELECT 1 FROM customers LIMIT 1").fetchone():
            with connection.transaction():
                connection.execute(SEED.read_bytes())
            connection.execute("VACUUM ANALYZE")


def migrate(server: Server, revision: str) -> None:
    """Apply the shop's revisions up to this one; later ones that are there already stay."""
    config = Config()
    config.set_main_option("script_location", str(REVISIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(server.url(DATABASE, OWNER), poolclass=NullPool)
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def drop(server: Server) -> None:
    """The database and its roles; what is not there is left out."""
    with server.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        for role in (OWNER, WATCHER, EXPLAINER, STEERER):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
