-- Whether an owner of the server lends us widths and counts of values without the values: pilothouse.column_statistics().
-- Only a function of somebody who may read everything anyway is called.
select exists (
    select
    from pg_catalog.pg_proc p
    join pg_catalog.pg_roles r
        on r.oid = p.proowner
    where
        p.oid = to_regprocedure('pilothouse.column_statistics()')
        and p.prosecdef
        and (r.rolsuper or pg_has_role(r.oid, 'pg_read_all_data', 'USAGE'))
        and has_schema_privilege(p.pronamespace, 'USAGE')
        and has_function_privilege(p.oid, 'EXECUTE')
) as is_lent
