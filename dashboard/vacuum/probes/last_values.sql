-- Last values of the sequences in pilothouse.oids; NULL: not used yet. Each is locked (RowExclusive) until the transaction
-- ends: the caller sets a lock timeout, asks for some hundred at once, and leaves out those it may not read.
select
    cast(s.seqrelid as bigint) as oid,
    pg_sequence_last_value(s.seqrelid) as last_value
from pg_catalog.pg_sequence s
where s.seqrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
order by s.seqrelid
