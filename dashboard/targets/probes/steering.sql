-- What the role that asks may do to sessions of others.
select current_user::text as role,
       pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') as can_see,
       pg_catalog.pg_has_role('pg_signal_backend', 'USAGE') as can_signal,
       coalesce(
           pg_catalog.pg_has_role(pg_catalog.to_regrole('pg_signal_autovacuum_worker'), 'USAGE'), false
       ) as can_signal_autovacuum;
