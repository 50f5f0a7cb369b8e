"""What the rows of the list of flags show, each question asked once for all of them."""

from sqlalchemy import text

ROWS = text("""
select f.id,
       f.key,
       f.type,
       f.kind,
       f.owner,
       f.tags,
       f.description,
       f.expected_life_d,
       f.created_at,
       f.archived_at,
       f.changed_at,
       coalesce(nullif(f.changed_by, ''), f.created_by) as changed_by,
       u.counts
  from flag f
  left join lateral (
           select string_agg(h.hour || ' ' || h.count, ' ') as counts
             from (
                      select cast(extract(epoch from u.slot - :since) / 3600 as integer) as hour,
                             cast(sum(u.count) as bigint) as count
                        from flag_usage u
                       where u.environment_id = any(:environment_ids)
                         and u.flag_key = f.key
                         and u.slot >= :since
                       group by u.slot
                  ) h
       ) u on true
 where f.id = any(:flag_ids)
 order by array_position(:flag_ids, f.id)
""")
SETTINGS = text("""
select s.flag_id,
       s.environment_id,
       cast(s.public_id as text) as public_id,
       s.version,
       s.enabled,
       s.reach,
       s.outcome,
       s.default_variant as serves,
       left(cast(s.variants -> s.default_variant as text), :longest) as value_json,
       s.targeting is not null as is_targeted,
       s.settled_at,
       s.created_at,
       s.updated_at,
       n.seen_at,
       n.single_at
  from flag_setting s
  join flag f on f.id = s.flag_id
  left join flag_seen n on n.environment_id = s.environment_id and n.flag_key = f.key
 where s.flag_id = any(:flag_ids)
   and f.id = any(:flag_ids)
 order by s.flag_id, s.environment_id
""")
_CHOICES = """
with kinds as materialized (
    select distinct f.owner, f.tags
      from flag f
     where f.archived_at is null
       and {which}
)
select array(
           select distinct k.owner
             from kinds k
            where k.owner <> ''
            order by k.owner
            limit 200
       ) as owners,
       array(
           select distinct t.tag
             from kinds k
            cross join unnest(k.tags) as t(tag)
            order by t.tag
            limit 200
       ) as tags
"""
CHOICES = text(_CHOICES.format(which="true"))
_STORED = "select unnest(r.flags) from flag_ranking r where r.name = :name and r.as_of >= :oldest"
STORED_CHOICES = text(_CHOICES.format(which=f"f.id = any(array({_STORED}))"))
