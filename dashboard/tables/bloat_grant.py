"""What an owner runs so that bloat can be estimated: widths and counts of columns, none of their values (pure)."""

from dashboard.targets.capabilities import quoted

LEND = """CREATE SCHEMA IF NOT EXISTS pilothouse;
CREATE OR REPLACE FUNCTION pilothouse.column_statistics()
RETURNS TABLE (
    schemaname name, tablename name, attname name, inherited boolean,
    null_frac real, avg_width integer, n_distinct real, correlation real
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'SELECT schemaname, tablename, attname, inherited, null_frac, avg_width, n_distinct, correlation FROM pg_stats';
REVOKE ALL ON FUNCTION pilothouse.column_statistics() FROM PUBLIC;
GRANT USAGE ON SCHEMA pilothouse TO {role};
GRANT EXECUTE ON FUNCTION pilothouse.column_statistics() TO {role};"""


def lending(role: str) -> str:
    """The statements, for one role."""
    return LEND.format(role=quoted(role))
