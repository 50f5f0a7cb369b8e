"""Flag sets read from the store: only the flags that changed, as notifications name them or their versions tell."""

import contextlib
import gc
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
           coalesce((select cast(json_object_agg(g.name, g.rule order by g.name) as text)
                       from flag_segment g
                      where g.environment_id = e.id), '{}') as evaluators
      from environment e
 left join flag_revision r on r.environment_id = e.id
  order by e.id
"""
VERSIONS = """
    select coalesce(array_agg(s.id), '{}') as ids, coalesce(array_agg(s.served_version), '{}') as versions
      from flag_setting s
      join flag f on f.id = s.flag_id
     where s.environment_id = %s
       and f.archived_at is null
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
MANY_OBJECTS = 20_000
Connection = psycopg.Connection[Any]


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Thousands of rules are made to stay: looking for garbage among them takes five times as long as making them.

    Nor is it looked for afterwards, which would keep every thread waiting for seconds with 10,000 flags. Rules hold no
    circles, so that those that others replace go at once.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > MANY_OBJECTS:
            gc.freeze()
        if was_enabled:
            gc.enable()


@dataclass(frozen=True)
class Loaded:
    """A set with the count of changes that it stands at, and each setting with its version and its flag's key.

    `shared`: the shared rules as the store wrote them.
    """

    flags: FlagSet
    number: int
    shared: str = "{}"
    versions: Mapping[int, int] = field(default_factory=dict)
    keys: Mapping[int, str] = field(default_factory=dict)


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
        found = _told(connection, head, named) if named else None
        before = before or Loaded(FlagSet(head.slug, "", {}), 0)
        sets[head.id] = _after(head, before, found or _compared(connection, head, before))
    return sets


@dataclass(frozen=True)
class _Found:
    """Flags read again: their rows, the keys of those that are gone, and the version of every setting that is there."""

    rows: Sequence[Any]
    gone: Collection[str]
    versions: Mapping[int, int] | None = None


def _named(head: Any, before: Loaded | None, told: Iterable[Change]) -> set[int]:
    """The flags that changed since; none when a change is not accounted for."""
    if before is None:
        return set()
    changes = {change.revision: change.flag_ids for change in told if change.environment_id == head.id}
    missed = range(before.number + 1, head.number + 1)
    if not all(changes.get(number) for number in missed):
        return set()
    return {flag_id for number in missed for flag_id in changes[number]}


def _told(connection: Connection, head: Any, named: set[int]) -> _Found | None:
    """Those flags; None when one of them was deleted."""
    rows = connection.execute(NAMED.encode(), (head.id, sorted(named))).fetchall()
    if len(rows) < len(named):
        return None
    return _Found([row for row in rows if not row.gone], [row.key for row in rows if row.gone])


def _compared(connection: Connection, head: Any, before: Loaded) -> _Found:
    """Those that are not at the version that is known, told by the versions of all."""
    there: Any = connection.execute(VERSIONS.encode(), (head.id,), binary=True).fetchone()
    versions: dict[int, int] = dict(zip(there.ids, there.versions, strict=True))
    new = [id_ for id_, _ in versions.items() - before.versions.items()]
    rows = connection.execute(FLAGS.encode(), (new,)).fetchall() if new else []
    return _Found(rows, [before.keys[id_] for id_ in before.versions.keys() - versions.keys()], versions)


def _after(head: Any, before: Loaded, found: _Found) -> Loaded:
    common, flags = _common(head, before), before.flags
    if flags.environment != head.slug:
        flags = replace(flags, environment=head.slug)
    gone: dict[str, ReadyFlag | None] = dict.fromkeys(found.gone)
    flags = flags.changed(head.revision, gone | {row.key: _flag(row, common) for row in found.rows}, common)
    versions = found.versions or _versions(before, found)
    keys = {**before.keys, **{row.id: row.key for row in found.rows}}
    return Loaded(flags, head.number, head.evaluators, versions, keys)


def _versions(before: Loaded, found: _Found) -> dict[int, int]:
    left = {id_ for id_, key in before.keys.items() if key in found.gone} if found.gone else set()
    there = {id_: before.versions[id_] for id_ in before.versions.keys() - left} if left else before.versions
    return {**there, **{row.id: row.version for row in found.rows}}


def _common(head: Any, before: Loaded) -> Common:
    """What is the same as before, as a JSON text, is the same object."""
    known, evaluators = before.flags.common, before.flags.common.evaluators
    if head.evaluators != before.shared:
        read = json.loads(head.evaluators).items()
        evaluators = {name: _same(rule, evaluators.get(name)) for name, rule in read}
    common = Common(_same(head.metadata, known.metadata), evaluators, head.bucketing)
    is_known = common.metadata is known.metadata and evaluators is known.evaluators
    return known if is_known and common.bucketing == known.bucketing else common


def _same(value: Any, known: Any) -> Any:
    return known if known is not None and same_json(value, known) else value


def _flag(row: Any, common: Common) -> ReadyFlag:
    parts = (row.enabled, row.variants, row.default_variant, row.targeting, row.flag_metadata)
    definition = definition_of(row.served) if row.served is not None else Definition(*parts)
    return ReadyFlag(row.key, row.type, definition, common)
