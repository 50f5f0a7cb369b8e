-- Client connections of the whole server by kind of group: the twelve largest groups of each, the rest as one.
-- A name that the role may not see is null; the session that asks is left out.
with client as materialized (
    select
        a.state,
        a.application_name as application,
        a.usename::text as username,
        case when a.state is not null then coalesce(host(a.client_addr), 'local socket') end as address,
        a.datname::text as database
    from pg_stat_activity a
    where (a.backend_type = 'client backend' or (a.backend_type is null and a.datid is not null))
        and a.pid <> pg_backend_pid()
),
counted as (
    select
        case
            when grouping(c.state) = 0 then 'state'
            when grouping(c.application) = 0 then 'application'
            when grouping(c.username) = 0 then 'user'
            when grouping(c.address) = 0 then 'address'
            when grouping(c.database) = 0 then 'database'
            else 'all'
        end as kind,
        coalesce(c.state, c.application, c.username, c.address, c.database) as name,
        count(*) as sessions
    from client c
    group by grouping sets ((), (c.state), (c.application), (c.username), (c.address), (c.database))
),
ranked as (
    select
        n.kind,
        n.name,
        n.sessions,
        row_number() over (partition by n.kind order by n.name is null, n.sessions desc, n.name) > 12 as is_rest
    from counted n
)
select
    r.kind,
    case when not r.is_rest then left(r.name, 120) end as name,
    r.is_rest and r.name is not null as is_rest,
    sum(r.sessions)::bigint as sessions,
    current_setting('max_connections')::bigint as connections_max,
    current_setting('superuser_reserved_connections')::bigint
        + coalesce(current_setting('reserved_connections', true)::bigint, 0) as reserved,
    current_user::text as role
from ranked r
group by 1, 2, 3
order by 1, 3, 4 desc, 2
