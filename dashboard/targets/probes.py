"""Questions put to a target: SQL for the newest server, and what replaces the columns that older views lack."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from psycopg.sql import Identifier

from dashboard.targets.failures import TargetRefused

HOME = "public"


@dataclass(frozen=True)
class Older:
    """Where `view` lacks `column`, the text `newest` of the probe is replaced by `older`."""

    view: str
    column: str
    newest: str
    older: str


@dataclass(frozen=True)
class Probe:
    """Runs in psql as it stands on the newest server; an extension's objects are written as in schema public."""

    name: str
    sql: str
    older: tuple[Older, ...] = ()
    extension: str | None = None

    @classmethod
    def read(cls, module: str, file: str, *, older: tuple[Older, ...] = (), extension: str | None = None) -> "Probe":
        """The probe in folder `probes` beside the module; a replacement that fits nowhere is a mistake."""
        sql = (Path(module).parent / "probes" / file).read_text(encoding="utf-8")
        for change in older:
            if change.newest not in sql:
                raise ValueError(f"{file} does not contain {change.newest!r}")
        return cls(file.removesuffix(".sql"), sql, older, extension)

    def sql_for(
        self, columns_of: Callable[[str], frozenset[str]], schema_of: Callable[[str], str | None], *, bound: bool
    ) -> str:
        """The SQL for a server with these columns. `bound`: parameters follow, so that % must be written twice."""
        sql, schema = self.sql, None
        if self.extension is not None:
            schema = schema_of(self.extension)
            if schema is None:
                raise missing(self.extension)
        for change in self.older:
            home = schema if schema is not None and change.view.startswith(str(self.extension)) else "pg_catalog"
            if change.column not in columns_of(f"{quoted(home)}.{change.view}"):
                sql = sql.replace(change.newest, change.older)
        if schema is not None:
            name = quoted(schema).replace("%", "%%") if bound else quoted(schema)
            sql = sql.replace(f"{HOME}.{self.extension}", f"{name}.{self.extension}")
        return sql


def quoted(name: str) -> str:
    return Identifier(name).as_string(None)


def missing(extension: str) -> TargetRefused:
    remedy = f"CREATE EXTENSION {extension};"
    return TargetRefused("42P01", f"The extension {extension} is not installed in this database.", remedy)
