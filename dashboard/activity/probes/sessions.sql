-- The sessions of this database, the busiest first. Waits come from pg_locks only where somebody waits: the whole
-- lock table is never read on a quiet server. Who waits for another's row waits for its transaction; the row's table
-- is known from the tuple lock that the waiter holds. The session that asks is left out. What a role may not see is
-- null, and told so. Names of relations are asked apart: they come from a catalogue that somebody may have locked.
with waits as materialized (
    select w.pid, w.locktype, w.mode, w.relation, w.database, w.waitstart, w.granted
      from pg_catalog.pg_locks as w
     where not w.granted or w.locktype = 'tuple'
)
select a.pid,
       (extract(epoch from a.backend_start) * 1000000)::bigint as born,
       (extract(epoch from a.query_start) * 1000000)::bigint as query_born,
       a.leader_pid,
       a.usename as username,
       coalesce(r.rolsuper, false) as is_superuser,
       a.application_name as application,
       pg_catalog.host(a.client_addr) as address,
       a.backend_type,
       a.state,
       a.wait_event_type,
       a.wait_event,
       a.backend_start as started_at,
       a.xact_start as transaction_at,
       a.query_start as query_at,
       a.state_change as changed_at,
       pg_catalog.left(a.query, 2000) as query,
       a.backend_type is null as is_hidden,
       case when a.wait_event_type = 'Lock' then pg_catalog.pg_blocking_pids(a.pid) else '{}' end as blocked_by,
       l.mode as lock_mode,
       l.locktype as lock_type,
       coalesce(l.relation, t.relation)::bigint as lock_relation,
       l.waitstart as waiting_since,
       pg_catalog.clock_timestamp() as read_at,
       count(*) over () as total
  from pg_catalog.pg_stat_activity as a
  left join pg_catalog.pg_roles as r on r.oid = a.usesysid
  left join lateral (
       select w.mode, w.locktype, w.relation, w.waitstart
         from waits as w
        where w.pid = a.pid
          and not w.granted
          and a.wait_event_type = 'Lock'
        limit 1
       ) as l on true
  left join lateral (
       select w.relation
         from waits as w
        where w.pid = a.pid
          and w.granted
          and l.locktype = 'transactionid'
          and a.wait_event_type = 'Lock'
        limit 1
       ) as t on true
 where a.datid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
   and a.pid <> pg_catalog.pg_backend_pid()
 order by coalesce(a.wait_event_type = 'Lock', false) desc,
          coalesce(a.state, '') in ('', 'idle'),
          a.xact_start nulls last,
          a.pid
 limit 1000;
