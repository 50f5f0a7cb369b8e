-- Sequences in pilothouse.oids and the column that owns each. The last value is a statistic, not the schema.
select
    cast(s.seqrelid as bigint) as oid,
    format_type(s.seqtypid, null) as type,
    s.seqstart as starts_at,
    s.seqincrement as increment,
    s.seqmin as smallest,
    s.seqmax as largest,
    s.seqcycle as is_cyclic,
    n.nspname as owner_schema,
    c.relname as owner_name,
    a.attname as owner_column
from pg_catalog.pg_sequence s
left join pg_catalog.pg_depend d
    on d.classid = cast('pg_class' as regclass)
    and d.objid = s.seqrelid
    and d.refclassid = cast('pg_class' as regclass)
    and d.deptype in ('a', 'i')
left join pg_catalog.pg_class c
    on c.oid = d.refobjid
left join pg_catalog.pg_namespace n
    on n.oid = c.relnamespace
left join pg_catalog.pg_attribute a
    on a.attrelid = d.refobjid
    and a.attnum = d.refobjsubid
where s.seqrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
order by s.seqrelid
