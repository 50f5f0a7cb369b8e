-- One look at the sessions that are busy, as one row: how many of each kind, who holds others up, and what the look
-- cost. Grouped on the server, at most 100 kinds; blockers are asked for the first 20 that wait for a lock.
with sessions as materialized (
    select a.pid,
           a.state,
           a.wait_event_type,
           a.wait_event,
           a.query_id,
           a.application_name,
           a.usename,
           a.backend_type,
           a.xact_start
      from pg_catalog.pg_stat_activity as a
     where a.datid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
       and a.pid <> pg_catalog.pg_backend_pid()
       and not (a.application_name = 'pilothouse' and a.usename = current_user)
),
busy as materialized (
    select s.*
      from sessions as s
     where s.state in ('active', 'fastpath function call')
       and s.wait_event_type is distinct from 'Activity'
),
kinds as (
    select b.wait_event_type,
           b.wait_event,
           b.query_id,
           coalesce(nullif(b.application_name, ''), b.backend_type, '') as application,
           coalesce(b.usename::text, '') as username,
           count(*) as seen
      from busy as b
     group by 1, 2, 3, 4, 5
     order by 6 desc, 1, 2, 3, 4, 5
     limit 100
),
waits as (
    select distinct w.pid, h.blocker
      from (select b.pid from busy as b where b.wait_event_type = 'Lock' order by b.xact_start, b.pid limit 20) as w
     cross join lateral unnest(pg_catalog.pg_blocking_pids(w.pid)) as h (blocker)
),
blockers as (
    select w.blocker as pid,
           count(*) as held_up,
           min(coalesce(nullif(s.application_name, ''), s.backend_type)) as application,
           min(s.usename::text) as username,
           min(s.state) as state,
           min(s.query_id) as query_id
      from waits as w
      left join sessions as s on s.pid = w.blocker
     where w.blocker not in (select v.pid from waits as v)
     group by w.blocker
     order by 2 desc, 1
     limit 5
)
select (select count(*) from busy as b) as active,
       (select count(*) from sessions as s where s.backend_type is null) as hidden,
       coalesce((select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(k)) from kinds as k), '[]') as kinds,
       coalesce((select pg_catalog.jsonb_agg(pg_catalog.to_jsonb(h)) from blockers as h), '[]') as blockers,
       (
           extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.statement_timestamp()) * 1000
       )::float8 as look_ms;
