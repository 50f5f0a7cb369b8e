-- Who answers, by its own clock, and what pg_stat_statements itself lost. A role that we sign in as (collect.py lists
-- those beside the watching one in a setting of its transaction) is ours alone when it is no superuser and owns nothing
-- here: then what it runs is left out.
with own as (
    select r.oid,
           r.rolname
      from pg_catalog.pg_roles as r
     cross join pg_catalog.pg_database as d
     where d.datname = pg_catalog.current_database()
       and (r.rolname = current_user
            or r.rolname in (
                select l.role_name
                  from pg_catalog.jsonb_array_elements_text(
                           coalesce(nullif(pg_catalog.current_setting('pilothouse.logins', true), ''), '[]')::jsonb
                       ) as l (role_name)))
       and not r.rolsuper
       and d.datdba <> r.oid
       and not exists (select from pg_catalog.pg_class as c where c.relowner = r.oid and c.oid >= 16384)
)
select pg_catalog.clock_timestamp() as read_at,
       pg_catalog.pg_postmaster_start_time() as started_at,
       d.oid as dbid,
       i.dealloc as evictions,
       i.stats_reset as stats_reset_at,
       current_user as role_name,
       array(select o.oid::bigint from own as o order by o.oid) as own_oids,
       array(select o.rolname::text from own as o order by o.oid) as own_roles
  from public.pg_stat_statements_info as i
 cross join pg_catalog.pg_database as d
 where d.datname = pg_catalog.current_database();
