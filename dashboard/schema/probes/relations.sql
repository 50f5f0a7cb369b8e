-- Every relation and enum with a fingerprint of its catalogue rows. Node trees are hashed as they are stored:
-- turning them into SQL would wait for locks. What has the fingerprint of the last collection is not asked further.
with
wanted as (
    select c.oid, c.relname, c.relnamespace, c.relkind, c.relispartition, c.relpartbound, n.nspname
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n
        on n.oid = c.relnamespace
    where
        c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
        and not exists (
            select from pg_catalog.pg_depend d
            where d.classid = cast('pg_class' as regclass) and d.objid = c.oid and d.deptype = 'e'
        )
),
columns as (
    select
        a.attrelid as oid,
        string_agg(concat_ws(
            '|', a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
            a.attgenerated, md5(cast(d.adbin as text)), col_description(a.attrelid, a.attnum)
        ), '/' order by a.attnum) as text
    from pg_catalog.pg_attribute a
    join wanted w
        on w.oid = a.attrelid
    left join pg_catalog.pg_attrdef d
        on d.adrelid = a.attrelid
        and d.adnum = a.attnum
    where a.attnum > 0 and not a.attisdropped and w.relkind <> 'S'
    group by a.attrelid
),
constraints as (
    select
        k.conrelid as oid,
        string_agg(concat_ws(
            '|', k.conname, k.contype, k.convalidated, k.condeferrable, k.condeferred, k.conkey, k.confkey,
            cast(k.confrelid as regclass), referenced.names, k.confupdtype, k.confdeltype, md5(cast(k.conbin as text)),
            obj_description(k.oid, 'pg_constraint')
        ), '/' order by k.oid) as text
    from pg_catalog.pg_constraint k
    join wanted w
        on w.oid = k.conrelid
    left join lateral (
        select string_agg(a.attname, ',' order by a.attnum) as names
        from pg_catalog.pg_attribute a
        where a.attrelid = k.confrelid and a.attnum = any(k.confkey)
    ) as referenced
        on k.contype = 'f'
    group by k.conrelid
),
indexes as (
    select
        i.indrelid as oid,
        string_agg(concat_ws(
            '|', c.relname, c.relam, i.indkey, i.indclass, i.indcollation, i.indoption, i.indisunique, i.indisprimary,
            i.indisvalid, md5(cast(i.indexprs as text)), md5(cast(i.indpred as text)), c.reloptions,
            obj_description(c.oid, 'pg_class')
        ), '/' order by i.indexrelid) as text
    from pg_catalog.pg_index i
    join wanted w
        on w.oid = i.indrelid
    join pg_catalog.pg_class c
        on c.oid = i.indexrelid
    group by i.indrelid
),
triggers as (
    select
        t.tgrelid as oid,
        string_agg(concat_ws('|', t.tgname, t.tgtype, t.tgenabled, t.tgfoid, t.tgattr, md5(cast(t.tgqual as text))), '/'
            order by t.oid) as text
    from pg_catalog.pg_trigger t
    where not t.tgisinternal
    group by t.tgrelid
),
views as (
    select
        r.ev_class as oid,
        md5(string_agg(concat_ws(
            '|', md5(cast(r.ev_action as text)), cast(d.refobjid as regclass), a.attname
        ), '/' order by d.refobjid, d.refobjsubid)) as text
    from pg_catalog.pg_rewrite r
    left join pg_catalog.pg_depend d
        on d.classid = cast('pg_rewrite' as regclass)
        and d.objid = r.oid
        and d.refclassid = cast('pg_class' as regclass)
    left join pg_catalog.pg_attribute a
        on a.attrelid = d.refobjid
        and a.attnum = d.refobjsubid
    where r.rulename = '_RETURN'
    group by r.ev_class
),
owners as (
    select
        d.objid as oid,
        string_agg(concat_ws('.', cast(d.refobjid as regclass), a.attname), '/' order by a.attnum) as text
    from pg_catalog.pg_depend d
    join pg_catalog.pg_attribute a
        on a.attrelid = d.refobjid
        and a.attnum = d.refobjsubid
    where d.classid = cast('pg_class' as regclass) and d.deptype in ('a', 'i')
    group by d.objid
)
select
    cast(w.oid as bigint) as oid,
    w.nspname as schema,
    w.relname as name,
    w.relkind as kind,
    obj_description(w.oid, 'pg_class') as comment,
    parent_schema.nspname as parent_schema,
    parent.relname as parent_name,
    md5(concat_ws(
        '#', w.relkind, w.nspname, w.relname, parent.relname, parent_schema.nspname, md5(cast(w.relpartbound as text)),
        p.partstrat, p.partattrs, md5(cast(p.partexprs as text)), obj_description(w.oid, 'pg_class'),
        columns.text, constraints.text, indexes.text, triggers.text, views.text,
        s.seqtypid, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, owners.text
    )) as stamp
from wanted w
left join pg_catalog.pg_inherits h
    on h.inhrelid = w.oid
    and h.inhseqno = 1
    and w.relispartition
left join pg_catalog.pg_class parent
    on parent.oid = h.inhparent
left join pg_catalog.pg_namespace parent_schema
    on parent_schema.oid = parent.relnamespace
left join pg_catalog.pg_partitioned_table p
    on p.partrelid = w.oid
left join pg_catalog.pg_sequence s
    on s.seqrelid = w.oid
left join owners
    on owners.oid = s.seqrelid
left join columns
    on columns.oid = w.oid
left join constraints
    on constraints.oid = w.oid
left join indexes
    on indexes.oid = w.oid
left join triggers
    on triggers.oid = w.oid
left join views
    on views.oid = w.oid
union all
select
    cast(t.oid as bigint),
    n.nspname,
    t.typname,
    'e',
    obj_description(t.oid, 'pg_type'),
    null,
    null,
    md5(concat_ws('#', n.nspname, t.typname, obj_description(t.oid, 'pg_type'), labels.text))
from pg_catalog.pg_type t
join pg_catalog.pg_namespace n
    on n.oid = t.typnamespace
left join lateral (
    select string_agg(e.enumlabel, '/' order by e.enumsortorder) as text
    from pg_catalog.pg_enum e
    where e.enumtypid = t.oid
) as labels
    on true
where
    t.typtype = 'e'
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    and not exists (
        select from pg_catalog.pg_depend d
        where d.classid = cast('pg_type' as regclass) and d.objid = t.oid and d.deptype = 'e'
    )
order by 1
