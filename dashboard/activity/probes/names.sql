-- What the relations in pilothouse.oids are called; asked apart, as somebody may hold a lock on this catalogue.
select c.oid::bigint as oid,
       n.nspname || '.' || c.relname as name
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.oid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
 order by c.oid
 limit 1000;
