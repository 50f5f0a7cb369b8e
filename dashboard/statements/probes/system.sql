-- Which cluster this is: a failover may put another one behind the same address.
select system_identifier::text as system_identifier from pg_catalog.pg_control_system();
