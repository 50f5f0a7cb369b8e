-- The locks of this database, summed up on the server: however many there are, the answer has at most 200 rows.
-- Of what every transaction holds on itself only the waiting is told; our own locks are left out.
with of_sessions as (
    select l.locktype as lock_type,
           l.relation::bigint as relation,
           l.mode,
           count(*) filter (where l.granted) as granted,
           count(*) filter (where not l.granted) as waiting,
           min(l.waitstart) as waiting_since
      from pg_catalog.pg_locks as l
     where l.pid is distinct from pg_catalog.pg_backend_pid()
       and (not l.granted or l.locktype not in ('virtualxid', 'transactionid'))
       and (
           l.database is null
           or l.database = (
               select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database()
           )
       )
     group by l.locktype, l.relation, l.mode, l.pid
),
told as (
    select s.lock_type,
           s.relation,
           s.mode,
           sum(s.granted)::bigint as granted,
           sum(s.waiting)::bigint as waiting,
           count(*) as sessions,
           min(s.waiting_since) as waiting_since
      from of_sessions as s
     group by s.lock_type, s.relation, s.mode
)
select t.lock_type,
       t.relation,
       t.mode,
       t.granted,
       t.waiting,
       t.sessions,
       t.waiting_since,
       (sum(t.granted + t.waiting) over ())::bigint as locks,
       count(*) over () as groups
  from told as t
 order by max(t.waiting) over (partition by t.lock_type, t.relation) desc,
          t.relation nulls last,
          t.waiting desc,
          t.mode = 'AccessExclusiveLock' desc,
          t.granted desc,
          t.lock_type,
          t.mode
 limit 200;
