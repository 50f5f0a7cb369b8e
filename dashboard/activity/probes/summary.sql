-- What the sessions of this database are doing now, as one row.
with sessions as (
    select a.state,
           a.wait_event_type,
           a.xact_start,
           a.backend_type,
           coalesce(nullif(a.application_name, ''), 'no name') as application
      from pg_catalog.pg_stat_activity as a
     where a.datid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
       and a.pid <> pg_catalog.pg_backend_pid()
),
applications as (
    select s.application, count(*) as sessions
      from sessions as s
     group by s.application
     order by count(*) desc, s.application
     limit 20
)
select count(*) filter (where s.state in ('active', 'fastpath function call')) as active,
       count(*) filter (where s.state = 'idle') as idle,
       count(*) filter (where s.state like 'idle in transaction%') as idle_in_transaction,
       count(*) filter (where s.state = 'active' and s.wait_event_type is not null) as waiting,
       count(*) filter (where s.wait_event_type = 'Lock') as blocked,
       count(*) filter (where s.backend_type is null) as hidden,
       current_user::text as role,
       (extract(epoch from pg_catalog.clock_timestamp() - min(s.xact_start)) * 1000)::float8 as longest_transaction_ms,
       coalesce(
           (select pg_catalog.jsonb_object_agg(p.application, p.sessions) from applications as p),
           '{}'
       ) as by_application
  from sessions as s;
