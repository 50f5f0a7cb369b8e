-- Since when the server counts: a reset moves the first, a crash of the server moves the second.
select greatest(d.stats_reset, b.stats_reset) as counted_since
from pg_catalog.pg_stat_database d
cross join pg_catalog.pg_stat_bgwriter b
where d.datname = current_database()
