"""When parts of tables came, told by the recorded revisions of the schema."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text

from dashboard.store import db

INDEXES_ADDED = text("""
select distinct on (d.part ->> 'schema', d.part ->> 'name')
    d.part ->> 'schema' as schema,
    d.part ->> 'name' as name,
    c.id as change_id,
    coalesce(c.noticed_after, c.at) as after,
    c.at,
    m.id as migration_id,
    m.title as migration
from change c
cross join lateral jsonb_array_elements(c.detail -> 'differences') as d (part)
left join lateral (
    select id, title
    from change
    where
        target_id = c.target_id
        and kind = 'migration'
        and at between coalesce(c.noticed_after, c.at) - interval '1 minute' and c.at
    order by at desc, id desc
    limit 1
) as m
    on true
where
    c.target_id = :target_id
    and c.kind = 'schema'
    and d.part ->> 'part' = 'index'
    and d.part ->> 'what' = 'added'
    and (cast(:names as text[]) is null or d.part ->> 'name' = any(cast(:names as text[])))
order by d.part ->> 'schema', d.part ->> 'name', c.at desc, c.id desc
""")


def indexes_added(target_id: int, names: Sequence[str] | None = None) -> dict[tuple[str, str], RowMapping]:
    """When each index was last seen to come to a table that was there before, and the migration that ran then.

    By schema and name; `names` None asks for all. An index that came with its table, and one that was there when the
    watching began, are not among them.
    """
    asked: dict[str, Any] = {"target_id": target_id, "names": list(names) if names is not None else None}
    return {(row["schema"], row["name"]): row for row in db.session.execute(INDEXES_ADDED, asked).mappings()}
