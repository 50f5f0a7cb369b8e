-- Shares of values of the columns in pilothouse.columns (oid:attnum, …): never a value itself.
-- pg_stats shows a column only to a role that may read it.
with wanted as (
    select
        cast(split_part(pair, ':', 1) as oid) as oid,
        cast(split_part(pair, ':', 2) as int2) as number
    from unnest(string_to_array(current_setting('pilothouse.columns', true), ',')) as pair
)
select
    cast(w.oid as bigint) as oid,
    a.attname as name,
    s.attname is not null as is_known,
    cast(s.n_distinct as float8) as distinct,
    cast(s.null_frac as float8) as null_share,
    s.avg_width as width,
    cast(s.correlation as float8) as correlation,
    coalesce(cardinality(s.most_common_freqs), 0) as common,
    coalesce(cast((select sum(share) from unnest(s.most_common_freqs) as share) as float8), 0) as common_share,
    coalesce(cast(s.most_common_freqs[1] as float8), 0) as top_share,
    coalesce(cast(s.most_common_freqs[cardinality(s.most_common_freqs)] as float8), 0) as least_share
from wanted w
join pg_catalog.pg_attribute a
    on a.attrelid = w.oid
    and a.attnum = w.number
join pg_catalog.pg_class c
    on c.oid = w.oid
join pg_catalog.pg_namespace n
    on n.oid = c.relnamespace
left join pg_catalog.pg_stats s
    on s.schemaname = n.nspname
    and s.tablename = c.relname
    and s.attname = a.attname
    and s.inherited = (c.relkind = 'p')
order by w.oid, a.attnum
