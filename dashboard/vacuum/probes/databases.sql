-- How old the oldest ids are in each database of the server: each of them can stop all.
select
    d.datname as name,
    d.datname = current_database() as is_ours,
    age(d.datfrozenxid) as xid_age,
    mxid_age(d.datminmxid) as multixact_age
from pg_catalog.pg_database d
order by xid_age desc, d.datname
limit 50
