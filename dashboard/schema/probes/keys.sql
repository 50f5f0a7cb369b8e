-- Constraints of the relations in pilothouse.oids, columns in the order of the key. NOT NULL is said by the column.
-- Clones that PostgreSQL keeps for partitions (conparentid) are left out of foreign keys.
select
    cast(k.conrelid as bigint) as oid,
    k.conname as name,
    case k.contype
        when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key'
        when 'c' then 'check' when 'x' then 'exclusion' else 'trigger'
    end as kind,
    array(
        select cast(a.attname as text)
        from unnest(k.conkey) with ordinality as u(attnum, position)
        join pg_catalog.pg_attribute a
            on a.attrelid = k.conrelid
            and a.attnum = u.attnum
        order by u.position
    ) as columns,
    tn.nspname as to_schema,
    t.relname as to_name,
    array(
        select cast(a.attname as text)
        from unnest(k.confkey) with ordinality as u(attnum, position)
        join pg_catalog.pg_attribute a
            on a.attrelid = k.confrelid
            and a.attnum = u.attnum
        order by u.position
    ) as to_columns,
    case k.confupdtype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
        when 'd' then 'set default' end as on_update,
    case k.confdeltype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
        when 'd' then 'set default' end as on_delete,
    k.condeferrable as is_deferrable,
    k.convalidated as is_validated,
    obj_description(k.oid, 'pg_constraint') as comment
from pg_catalog.pg_constraint k
left join pg_catalog.pg_class t
    on t.oid = nullif(k.confrelid, 0)
left join pg_catalog.pg_namespace tn
    on tn.oid = t.relnamespace
where
    k.conrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
    and k.contype in ('p', 'u', 'f', 'c', 'x', 't')
    and (k.contype <> 'f' or k.conparentid = 0)
order by k.conrelid, position(cast(k.contype as text) in 'puxfct'), k.conname
