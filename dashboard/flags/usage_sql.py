"""What one flush of the counters writes, by the store's clock; rows of environments that are gone fall away."""

USAGE = """
insert into flag_usage (environment_id, flag_key, slot, variant, reason, api_key_id, count, bulk_count)
select given.environment_id,
       given.flag_key,
       date_bin('1 hour', now(), timestamptz '2000-01-01 00:00+00'),
       given.variant,
       given.reason,
       given.api_key_id,
       given.count,
       given.bulk_count
  from unnest(
           cast(:environment_id as bigint[]), cast(:flag_key as text[]), cast(:variant as text[]),
           cast(:reason as text[]), cast(:api_key_id as bigint[]), cast(:count as bigint[]),
           cast(:bulk_count as bigint[])
       ) as given(environment_id, flag_key, variant, reason, api_key_id, count, bulk_count)
  join environment e on e.id = given.environment_id
 order by given.environment_id, given.flag_key, given.variant, given.reason, given.api_key_id
    on conflict (environment_id, flag_key, slot, variant, reason, api_key_id) do update
   set count = flag_usage.count + excluded.count,
       bulk_count = flag_usage.bulk_count + excluded.bulk_count
"""
SEEN = """
insert into flag_seen (environment_id, flag_key, first_at, seen_at, single_at)
select given.environment_id,
       given.flag_key,
       now(),
       now(),
       case when bool_or(given.count > given.bulk_count) then now() end
  from unnest(
           cast(:environment_id as bigint[]), cast(:flag_key as text[]), cast(:count as bigint[]),
           cast(:bulk_count as bigint[])
       ) as given(environment_id, flag_key, count, bulk_count)
  join environment e on e.id = given.environment_id
 group by given.environment_id, given.flag_key
 order by given.environment_id, given.flag_key
    on conflict (environment_id, flag_key) do update
   set seen_at = excluded.seen_at,
       single_at = coalesce(excluded.single_at, flag_seen.single_at)
 where flag_seen.seen_at < excluded.seen_at - interval '1 minute'
    or flag_seen.single_at < excluded.single_at - interval '1 minute'
    or (flag_seen.single_at is null and excluded.single_at is not null)
"""
UNKNOWN = """
insert into unknown_flag (environment_id, flag_key, first_at, seen_at, api_key_id, count)
select given.environment_id,
       given.flag_key,
       now(),
       now(),
       max(given.api_key_id),
       sum(given.count)
  from unnest(
           cast(:environment_id as bigint[]), cast(:api_key_id as bigint[]), cast(:flag_key as text[]),
           cast(:count as bigint[])
       ) as given(environment_id, api_key_id, flag_key, count)
  join environment e on e.id = given.environment_id
 group by given.environment_id, given.flag_key
 order by given.environment_id, given.flag_key
    on conflict (environment_id, flag_key) do update
   set seen_at = excluded.seen_at,
       api_key_id = excluded.api_key_id,
       count = unknown_flag.count + excluded.count
"""
FORGET_UNKNOWN = """
delete from unknown_flag u
 using (
           select environment_id,
                  flag_key,
                  row_number() over (partition by environment_id order by seen_at desc, flag_key) as place
             from unknown_flag
       ) as old
 where old.environment_id = u.environment_id
   and old.flag_key = u.flag_key
   and (old.place > :most or u.seen_at < now() - interval '90 days')
"""
ASKED_ALL = """
insert into {table} (environment_id, api_key_id, first_at, seen_at)
select given.environment_id,
       given.api_key_id,
       now(),
       now()
  from unnest(cast(:environment_id as bigint[]), cast(:api_key_id as bigint[])) as given(environment_id, api_key_id)
  join environment e on e.id = given.environment_id
 order by given.environment_id, given.api_key_id
    on conflict (environment_id, api_key_id) do update
   set seen_at = excluded.seen_at
 where {table}.seen_at < excluded.seen_at - interval '1 minute'
"""
BULK, DOWNLOADS = (ASKED_ALL.format(table=table) for table in ("flag_bulk", "flag_download"))
