select
    count(*) as entries,
    count(*) filter (where s.queryid is null) as hidden
from public.pg_stat_statements(false) s
