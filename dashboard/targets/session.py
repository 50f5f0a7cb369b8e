"""What every transaction on a target begins with, and what is learnt about its catalogue once per connection."""

# Limits are local to the transaction: behind a transaction pooler a session belongs to others as well. A database
# in SQL_ASCII holds any bytes; asked in UTF8 it would refuse to send them.
LIMITS = """
select
    pg_catalog.set_config('statement_timeout', %(statement_timeout)s, true),
    pg_catalog.set_config('lock_timeout', %(lock_timeout)s, true),
    pg_catalog.set_config('idle_in_transaction_session_timeout', %(idle_timeout)s, true),
    pg_catalog.set_config('search_path', 'pg_catalog', true),
    pg_catalog.set_config('jit', 'off', true),
    pg_catalog.set_config('TimeZone', 'UTC', true),
    pg_catalog.set_config('DateStyle', 'ISO', true),
    pg_catalog.set_config('IntervalStyle', 'postgres', true),
    pg_catalog.set_config('bytea_output', 'hex', true),
    pg_catalog.set_config(
        'client_encoding',
        case pg_catalog.current_setting('server_encoding') when 'SQL_ASCII' then 'SQL_ASCII' else 'UTF8' end,
        true
    )
"""
COLUMNS = """
select a.attname::text as name
from pg_catalog.pg_attribute a
where a.attrelid = pg_catalog.to_regclass(%(view)s) and a.attnum > 0 and not a.attisdropped
order by a.attnum
"""
SCHEMA = """
select n.nspname::text as name
from pg_catalog.pg_extension e
join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = %(extension)s
"""
