"""Flag sets read from the store: whole, or only the flags that notifications name."""

import contextlib
import gc
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from dashboard.flags.compare import same_json
from dashboard.flags.flagset import Common, FlagSet, ReadyFlag
from dashboard.flags.ledger import Change
from dashboard.flags.rules import Definition, definition_of

REVISIONS = """
    select e.id,
           e.slug,
           coalesce(r.revision, 0) as number,
           coalesce(r.revision || '.' || cast(extract(epoch from r.changed_at) * 1000000 as bigint), '0') as revision,
           coalesce(r.set_metadata, '{}') as metadata,
           coalesce(r.bucketing, 'v2') as bucketing,
           coalesce((select json_object_agg(g.name, g.rule order by g.name)
                       from flag_segment g
                      where g.environment_id = e.id), '{}') as evaluators
      from environment e
 left join flag_revision r on r.environment_id = e.id
  order by e.id
"""
VERSIONS = """
    select s.id, s.served_version as version
      from flag_setting s
      join flag f on f.id = s.flag_id
     where s.environment_id = %s
       and f.archived_at is null
  order by f.key
"""
FLAGS = """
    select f.key, f.type, s.id, s.served_version as version, s.served,
           s.enabled, s.variants, s.default_variant, s.targeting, s.flag_metadata
      from flag_setting s
      join flag f on f.id = s.flag_id
     where s.id = any(%s)
  order by s.id
"""
NAMED = """
    select f.key, f.type, s.id, s.served_version as version, s.served,
           s.enabled, s.variants, s.default_variant, s.targeting, s.flag_metadata,
           s.id is null or f.archived_at is not null as gone
      from flag f
 left join flag_setting s on s.flag_id = f.id and s.environment_id = %s
     where f.id = any(%s)
  order by f.key
"""
Connection = psycopg.Connection[Any]


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Thousands of rules are made to stay: looking for garbage among them takes five times as long as making them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@dataclass(frozen=True)
class Loaded:
    """A set with the count of changes that it stands at, and what each setting's flag was made of."""

    flags: FlagSet
    number: int
    made_of: Mapping[int, tuple[int, ReadyFlag]]


def load(connection: Connection, known: Mapping[int, Loaded], told: Collection[Change]) -> dict[int, Loaded]:
    """Every environment's set as the store has it: what is known and unchanged stays the same object.

    Where the notifications in `told` account for every change since, only the flags that they name are read.
    """
    sets = {}
    for head in connection.execute(REVISIONS.encode()).fetchall():
        before = known.get(head.id)
        if before and (before.flags.environment, before.flags.revision) == (head.slug, head.revision):
            sets[head.id] = before
            continue
        named = _named(head, before, told)
        after = _changed(connection, head, before, named) if before and named is not None else None
        sets[head.id] = after or _whole(connection, head, before)
    return sets


def _named(head: Any, before: Loaded | None, told: Iterable[Change]) -> set[int] | None:
    """The flags that changed since; None when a change is not accounted for, or changed more than flags."""
    if before is None or before.flags.environment != head.slug or not _alike(before.flags.common, _common(head)):
        return None
    changes = {change.revision: change.flag_ids for change in told if change.environment_id == head.id}
    missed = range(before.number + 1, head.number + 1)
    if not missed or not all(changes.get(number) for number in missed):
        return None
    return {flag_id for number in missed for flag_id in changes[number]}


def _changed(connection: Connection, head: Any, before: Loaded, named: set[int]) -> Loaded | None:
    """The set before with those flags read again; None when one of them was deleted."""
    rows = connection.execute(NAMED.encode(), (head.id, sorted(named))).fetchall()
    if len(rows) < len(named):
        return None
    common = before.flags.common
    fresh = {row.key: None if row.gone else _flag(row, common) for row in rows}
    made_of = {row.id: (row.version, flag) for row in rows if (flag := fresh[row.key]) is not None}
    return Loaded(before.flags.changed(head.revision, fresh), head.number, {**before.made_of, **made_of})


def _whole(connection: Connection, head: Any, before: Loaded | None) -> Loaded:
    """Only what is not ready at its version yet is read."""
    common = _common(head)
    known = before.made_of if before and _alike(before.flags.common, common) else {}
    versions = connection.execute(VERSIONS.encode(), (head.id,)).fetchall()
    made_of = {row.id: known[row.id] for row in versions if known.get(row.id, (None,))[0] == row.version}
    new = [row.id for row in versions if row.id not in made_of]
    for row in connection.execute(FLAGS.encode(), (new,)).fetchall() if new else ():
        made_of[row.id] = (row.version, _flag(row, common))
    flags = sorted((made_of[row.id][1] for row in versions), key=lambda flag: flag.key)
    return Loaded(FlagSet(head.slug, head.revision, {flag.key: flag for flag in flags}, common), head.number, made_of)


def _common(head: Any) -> Common:
    return Common(metadata=head.metadata, evaluators=head.evaluators, bucketing=head.bucketing)


def _alike(one: Common, other: Common) -> bool:
    """Equal as JSON texts, for what was encoded with the one has to be right for the other."""
    return same_json(asdict(one), asdict(other))


def _flag(row: Any, common: Common) -> ReadyFlag:
    parts = (row.enabled, row.variants, row.default_variant, row.targeting, row.flag_metadata)
    definition = definition_of(row.served) if row.served is not None else Definition(*parts)
    return ReadyFlag(row.key, row.type, definition, common)
