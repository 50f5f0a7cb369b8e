-- The planner's constants in their base units; effective_cache_size counts blocks.
select
    s.name as name,
    cast(s.setting as float8) as value
from pg_catalog.pg_settings s
where s.name in (
    'seq_page_cost', 'random_page_cost', 'cpu_tuple_cost', 'cpu_index_tuple_cost', 'cpu_operator_cost',
    'effective_cache_size', 'block_size'
)
order by s.name
