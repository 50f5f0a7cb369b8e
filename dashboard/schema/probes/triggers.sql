-- Triggers of the relations in pilothouse.oids. pg_get_triggerdef waits for nobody.
select
    cast(t.tgrelid as bigint) as oid,
    t.tgname as name,
    pg_get_triggerdef(t.oid, true) as definition,
    t.tgenabled <> 'D' as is_enabled
from pg_catalog.pg_trigger t
where
    t.tgrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
    and not t.tgisinternal
order by t.tgrelid, t.tgname
