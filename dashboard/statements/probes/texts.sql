-- Texts of the entries that were never seen before; collect.py lists them in a setting of its transaction.
select s.userid,
       s.toplevel,
       s.queryid,
       pg_catalog.pg_get_userbyid(s.userid) as username,
       pg_catalog.left(s.query, 100000) as text
  from public.pg_stat_statements(true) as s
  join pg_catalog.unnest(coalesce(pg_catalog.current_setting('pilothouse.queryids', true), '{}')::bigint[]) as u (queryid)
    on u.queryid = s.queryid
 where s.dbid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
   and s.query is not null
 order by s.userid, s.queryid, s.toplevel;
