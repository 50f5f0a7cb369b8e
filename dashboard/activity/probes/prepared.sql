-- Transactions that were prepared in this database and wait for somebody to commit or roll them back, the oldest first.
select count(*) as transactions,
       coalesce(pg_catalog.jsonb_agg(p.told) filter (where p.place <= 20), '[]') as prepared
  from (
       select row_number() over (order by x.prepared, x.gid) as place,
              pg_catalog.jsonb_build_object('gid', x.gid, 'owner', x.owner, 'prepared_at', x.prepared) as told
         from pg_catalog.pg_prepared_xacts as x
        where x.database = pg_catalog.current_database()
        order by x.prepared, x.gid
       ) as p;
