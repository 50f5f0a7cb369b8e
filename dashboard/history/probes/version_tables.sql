SELECT
  n.nspname AS schema,
  c.relname AS name,
  quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS place,
  has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
  quote_ident(n.nspname) AS quoted_schema,
  quote_ident(current_user) AS quoted_role
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'version_num' AND NOT a.attisdropped
WHERE c.relname = 'alembic_version'
  AND c.relkind IN ('r', 'p')
  AND c.relpersistence <> 't'
ORDER BY place
LIMIT 20
