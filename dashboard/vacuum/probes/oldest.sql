-- The relations with the oldest ids, in any schema: a catalogue or a forgotten temporary table holds the database back too.
select
    n.nspname as schema,
    c.relname as name,
    c.relkind as kind,
    c.relpersistence = 't' as is_temporary,
    age(c.relfrozenxid) as xid_age,
    mxid_age(c.relminmxid) as multixact_age
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n
    on n.oid = c.relnamespace
where c.relkind in ('r', 'm', 't')
order by greatest(age(c.relfrozenxid), mxid_age(c.relminmxid)) desc, c.oid
limit 5
