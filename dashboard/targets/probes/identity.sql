select c.system_identifier::text as system_identifier
from pg_control_system() c
