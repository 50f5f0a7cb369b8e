"""Stores the verdicts of a judgement."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, select, text

from dashboard.store import db
from dashboard.tables.models import IndexVerdict
from dashboard.tables.verdict_queries import Alike
from dashboard.tables.verdicts import Use

KEEP = text("""
insert into index_verdict (target_id, oid, verdict, why, since, scans, own_scans, used_at, trouble)
select f.target_id, f.oid, f.verdict, f.why, f.since, f.scans, f.own_scans, f.used_at, f.trouble
from (
    select
        i.target_id,
        i.oid,
        r.verdict,
        r.why,
        r.since,
        r.scans,
        i.scans as own_scans,
        case when i.scans > 0 and i.scans <> v.own_scans then cast(:now as timestamptz) else v.used_at end as used_at,
        t.rule as trouble,
        v.oid is null as is_new,
        (v.verdict, v.why, v.since, v.scans, v.own_scans, v.trouble) as before,
        v.used_at as used_before
    from unnest(
        cast(:verdicts as text[]), cast(:whys as text[]), cast(:sinces as timestamptz[]), cast(:scans as bigint[]),
        cast(:oids as text[])
    ) as r (verdict, why, since, scans, oids)
    cross join lateral unnest(cast(r.oids as bigint[])) as one (oid)
    join index_state i
        on i.target_id = :target_id
        and i.oid = one.oid
    left join index_verdict v
        on v.target_id = i.target_id
        and v.oid = i.oid
    left join unnest(cast(:troubled as bigint[]), cast(:rules as text[])) as t (oid, rule)
        on t.oid = i.oid
) as f
where
    f.is_new
    or f.before is distinct from (f.verdict, f.why, f.since, f.scans, f.own_scans, f.trouble)
    or f.used_before is distinct from f.used_at
on conflict (target_id, oid) do update
set
    (verdict, why, since, scans, own_scans, used_at, trouble)
    = (excluded.verdict, excluded.why, excluded.since, excluded.scans, excluded.own_scans, excluded.used_at,
       excluded.trouble)
""")
KEEP_FIRST = text("""
insert into index_verdict (target_id, oid, verdict, why, since, scans, own_scans, trouble)
select i.target_id, i.oid, r.verdict, r.why, r.since, r.scans, i.scans, t.rule
from unnest(
    cast(:verdicts as text[]), cast(:whys as text[]), cast(:sinces as timestamptz[]), cast(:scans as bigint[]),
    cast(:oids as text[])
) as r (verdict, why, since, scans, oids)
cross join lateral unnest(cast(r.oids as bigint[])) as one (oid)
join index_state i
    on i.target_id = :target_id
    and i.oid = one.oid
left join unnest(cast(:troubled as bigint[]), cast(:rules as text[])) as t (oid, rule)
    on t.oid = i.oid
order by i.oid
""")
FORGET = text("""
delete from index_verdict v
where
    v.target_id = :target_id
    and not exists (select from index_state i where i.target_id = v.target_id and i.oid = v.oid)
""")


def any_kept(target_id: int) -> bool:
    return bool(db.session.scalar(select(exists().where(IndexVerdict.target_id == target_id))))


def keep(
    target_id: int, judged: Sequence[tuple[Alike, Use]], troubles: Mapping[int, str], now: datetime, *,
    is_first: bool = False,
) -> None:  # fmt: skip
    """These verdicts, each for all indexes that are alike; what says the same as before is not written.

    `is_first`: nothing was said before of any index of the target, so that there is nothing to compare with.
    Scans that are others than before, and not none, have risen: a smaller number rose after a reset.
    """
    uses = [use for _, use in judged]
    rows = {
        "verdicts": [use.verdict for use in uses],
        "whys": [use.why for use in uses],
        "sinces": [use.since for use in uses],
        "scans": [use.scans for use in uses],
        "oids": [alike.oids for alike, _ in judged],
    }
    said = {"troubled": list(troubles), "rules": list(troubles.values())}
    given = rows | said | {"target_id": target_id}
    if is_first:
        db.session.execute(KEEP_FIRST, given)
    else:
        db.session.execute(KEEP, given | {"now": now})


def forget(target_id: int) -> None:
    """Verdicts about indexes that are no longer there."""
    db.session.execute(FORGET, {"target_id": target_id})
