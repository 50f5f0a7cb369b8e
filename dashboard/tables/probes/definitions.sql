-- Texts of the indexes in pilothouse.oids. pg_get_indexdef and pg_get_expr wait for AccessExclusive locks: the caller leaves
-- locked tables out.
select
    cast(i.indexrelid as bigint) as oid,
    pg_get_indexdef(i.indexrelid) as definition,
    pg_get_expr(i.indexprs, i.indrelid) as expressions,
    pg_get_expr(i.indpred, i.indrelid) as predicate
from pg_catalog.pg_index i
where i.indexrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
order by i.indexrelid
