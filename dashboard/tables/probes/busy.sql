-- Tables that somebody writes to, vacuums or indexes at this moment: their counters follow at the end of the transaction.
select distinct cast(l.relation as bigint) as oid
from pg_catalog.pg_locks l
where
    l.locktype = 'relation'
    and l.granted
    and l.mode not in ('AccessShareLock', 'RowShareLock', 'AccessExclusiveLock')
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
order by 1
