-- What keeps old row versions of this database from being removed and ids from being frozen: the oldest of each kind.
(
    select
        'session' as kind,
        coalesce(a.usename, a.backend_type) as name,
        coalesce(nullif(a.application_name, ''), a.state) as detail,
        cast(a.pid as bigint) as pid,
        a.datname as database,
        greatest(age(a.backend_xmin), age(a.backend_xid)) as xid_age,
        a.xact_start as since
    from pg_catalog.pg_stat_activity a
    where
        coalesce(a.backend_xmin, a.backend_xid) is not null
        and a.pid <> pg_backend_pid()
        and (a.datname = current_database() or a.datname is null)
        and a.backend_type <> 'walsender'
    order by xid_age desc, a.pid
    limit 5
)
union all
(
    select 'prepared', p.gid, cast(p.owner as text), null, p.database, age(p.transaction), p.prepared
    from pg_catalog.pg_prepared_xacts p
    where p.database = current_database()
    order by age(p.transaction) desc, p.gid
    limit 5
)
union all
(
    select
        'slot',
        s.slot_name,
        s.slot_type || case when s.active then ', in use' else ', not in use' end,
        cast(s.active_pid as bigint),
        s.database,
        greatest(age(s.xmin), age(s.catalog_xmin)),
        null
    from pg_catalog.pg_replication_slots s
    where coalesce(s.xmin, s.catalog_xmin) is not null
    order by 6 desc, s.slot_name
    limit 5
)
union all
(
    select 'standby', r.application_name, cast(r.client_addr as text), cast(r.pid as bigint), null,
        age(r.backend_xmin), r.backend_start
    from pg_catalog.pg_stat_replication r
    where r.backend_xmin is not null
    order by age(r.backend_xmin) desc, r.pid
    limit 5
)
