-- Every sequence and the narrowest column that its numbers go to: its own, those whose default draws from it, and the
-- foreign keys that copy them. Catalogues only; last values are asked apart, because that locks the sequence.
with recursive holder (sequence_oid, table_oid, number, is_reference) as (
    select d.objid, d.refobjid, cast(d.refobjsubid as int2), false
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class c
        on c.oid = d.objid
        and c.relkind = 'S'
    where
        d.classid = cast('pg_catalog.pg_class' as regclass)
        and d.refclassid = cast('pg_catalog.pg_class' as regclass)
        and d.deptype in ('a', 'i')
        and d.refobjsubid > 0
    union
    select d.refobjid, f.adrelid, f.adnum, false
    from pg_catalog.pg_depend d
    join pg_catalog.pg_class c
        on c.oid = d.refobjid
        and c.relkind = 'S'
    join pg_catalog.pg_attrdef f
        on f.oid = d.objid
    where
        d.classid = cast('pg_catalog.pg_attrdef' as regclass)
        and d.refclassid = cast('pg_catalog.pg_class' as regclass)
    union
    select h.sequence_oid, k.conrelid, pair.child, true
    from holder h
    join pg_catalog.pg_constraint k
        on k.confrelid = h.table_oid
        and k.contype = 'f'
    cross join lateral unnest(k.conkey, k.confkey) as pair(child, parent)
    where pair.parent = h.number
),
width (type_oid, low, high) as (
    values
        (cast('int2' as regtype), -32768, 32767),
        (cast('int4' as regtype), -2147483648, 2147483647),
        (cast('int8' as regtype), -9223372036854775808, 9223372036854775807)
),
narrow as (
    select distinct on (h.sequence_oid)
        h.sequence_oid,
        n.nspname as schema,
        t.relname as table_name,
        a.attname as name,
        format_type(a.atttypid, null) as type,
        h.is_reference,
        w.low,
        w.high
    from holder h
    join pg_catalog.pg_attribute a
        on a.attrelid = h.table_oid
        and a.attnum = h.number
    join pg_catalog.pg_class t
        on t.oid = h.table_oid
    join pg_catalog.pg_namespace n
        on n.oid = t.relnamespace
    left join width w
        on w.type_oid = a.atttypid
    order by h.sequence_oid, w.high nulls last, h.is_reference, n.nspname, t.relname, a.attnum
)
select
    cast(s.seqrelid as bigint) as oid,
    n.nspname as schema,
    c.relname as name,
    format_type(s.seqtypid, null) as data_type,
    s.seqstart as start_value,
    s.seqincrement as increment,
    s.seqmin as min_value,
    s.seqmax as max_value,
    s.seqcycle as is_cyclic,
    coalesce(has_sequence_privilege(s.seqrelid, 'USAGE, SELECT'), false) as may_read,
    narrow.schema as column_schema,
    narrow.table_name as column_table,
    narrow.name as column_name,
    narrow.type as column_type,
    coalesce(narrow.is_reference, false) as is_reference,
    cast(narrow.low as bigint) as column_low,
    cast(narrow.high as bigint) as column_high
from pg_catalog.pg_sequence s
join pg_catalog.pg_class c
    on c.oid = s.seqrelid
    and c.relpersistence <> 't'
join pg_catalog.pg_namespace n
    on n.oid = c.relnamespace
left join narrow
    on narrow.sequence_oid = s.seqrelid
order by s.seqrelid
