"""The models are what the migrations make of an empty store."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.orm import Session

from dashboard.store import db

PARTITIONED = "select inhrelid::regclass::text from pg_inherits"


def test_no_model_differs_from_what_migrations_made(store: Session) -> None:
    connection = store.connection()
    partitions = {name for (name,) in connection.exec_driver_sql(PARTITIONED)}

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or not (name in partitions or str(name).startswith(("procrastinate_", "alembic_")))

    context = MigrationContext.configure(connection, opts={"include_name": is_ours})
    assert compare_metadata(context, db.metadata) == []
