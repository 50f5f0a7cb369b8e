"""Asks a target for everything about some relations, around everybody's locks."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.targets.connect import Reader, TargetRefused
from dashboard.targets.probes import Probe

BATCH = 250  # of definitions, which hold locks as long as they are asked for
INTERRUPTED = {"55P03", "57014"}
HIDDEN = "A lock hid its definitions; those of the last collection are shown."
Rows = list[dict[str, Any]]
Texts = dict[int, dict[tuple[str, str], str]]

COLUMNS = Probe.read(__file__, "columns.sql")
KEYS = Probe.read(__file__, "keys.sql")
INDEXES = Probe.read(__file__, "indexes.sql")
TRIGGERS = Probe.read(__file__, "triggers.sql")
SEQUENCES = Probe.read(__file__, "sequences.sql")
ENUMS = Probe.read(__file__, "enums.sql")
PARTS = (COLUMNS, KEYS, INDEXES, TRIGGERS, SEQUENCES, ENUMS)
DEFINITIONS = Probe.read(__file__, "definitions.sql")
LOCKED = """
select distinct cast(coalesce(i.indrelid, l.relation) as bigint) as oid
from pg_catalog.pg_locks l
left join pg_catalog.pg_index i
    on i.indexrelid = l.relation
where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock'
order by 1
"""


class _WentBackError(TargetRefused):
    """Rolls a savepoint back on purpose."""


def _go_back() -> None:
    raise _WentBackError("00000", "The answer is read; its locks are not needed any more.")


@dataclass(frozen=True)
class Answers:
    """What a target told of some relations, part by part; `hidden` are those of which a lock hid texts."""

    oids: Sequence[int]
    parts: Sequence[Rows]
    texts: Rows
    hidden: set[int]


def ask(reader: Reader, oids: Sequence[int]) -> Answers:
    """Only asks: the target is asked on while somebody else makes something of its answers."""
    texts: Rows = []
    hidden: set[int] = set()
    for start in range(0, len(oids), BATCH):
        told, missed = _texts(reader, oids[start : start + BATCH])
        texts += told
        hidden |= missed
    return Answers(oids, _ask(reader, PARTS, oids), texts, hidden)


def details(told: Answers, before: Mapping[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """What is known of each relation; those of which a lock hid texts keep the ones from `before`."""
    texts: Texts = defaultdict(dict)
    for row in told.texts:
        texts[row["oid"]][row["kind"], row["part"]] = row["text"]
    parts = [_by_oid(rows) for rows in told.parts]
    found = {oid: _detail([part.get(oid, []) for part in parts], texts.get(oid, {})) for oid in told.oids}
    for oid in told.hidden:
        found[oid] = _with_texts_of(found[oid], before.get(oid, {}))
    return found


def _texts(reader: Reader, oids: Sequence[int]) -> tuple[Rows, set[int]]:
    """Definitions of these relations; when a lock interrupts, one relation after the other."""
    locked = {row["oid"] for row in reader.rows(LOCKED)}
    missed = {oid for oid in oids if oid in locked}
    free = [oid for oid in oids if oid not in locked]
    rows = _definitions(reader, free) if free else []
    if rows is None:
        rows = []
        for oid in free:
            one = _definitions(reader, [oid])
            if one is None:
                missed.add(oid)
            rows += one or []
    return rows, missed


def _definitions(reader: Reader, oids: Sequence[int]) -> Rows | None:
    """None when a lock or the time limit stopped the question.

    pg_get_viewdef keeps its lock on the tables behind a view until the transaction ends; going back to the savepoint
    gives it up at once, so that no migration waits for us.
    """
    rows: Rows = []
    try:
        with reader.savepoint():
            [rows] = _ask(reader, [DEFINITIONS], oids)
            _go_back()
    except _WentBackError:
        pass
    except TargetRefused as refused:
        if refused.sqlstate not in INTERRUPTED:
            raise
        return None
    return rows


def _ask(reader: Reader, probes: Sequence[Probe], oids: Sequence[int]) -> list[Rows]:
    """The answers of these probes about these relations."""
    chosen = ",".join(map(str, oids))
    reader.rows("select set_config('pilothouse.oids', %(oids)s, true)", {"oids": chosen})
    return [reader.ask(probe) for probe in probes]


def _by_oid(rows: Rows) -> dict[int, Rows]:
    grouped: dict[int, Rows] = defaultdict(list)
    for row in rows:
        grouped[row.pop("oid")].append(row)
    return grouped


def _detail(parts: Sequence[Rows], texts: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """The rows themselves become parts of the document."""
    columns, keys, indexes, triggers, sequences, enums = parts
    for column in columns:
        del column["has_default"]
        column["default"] = texts.get(("default", str(column["position"])))
    for key in keys:
        key["definition"] = texts.get(("key", key["name"]))
    for index in indexes:
        index["definition"] = texts.get(("index", str(index.pop("index_oid"))))
    detail: dict[str, Any] = {
        "columns": columns,
        "keys": keys,
        "indexes": indexes,
        "triggers": triggers,
        "labels": enums[0]["labels"] if enums else [],
        "sequence": sequences[0] if sequences else None,
        "bound": texts.get(("bound", "")),
        "partitioned_by": texts.get(("partitioned by", "")),
        "definition": texts.get(("view", "")),
    }
    return {key: value for key, value in detail.items() if value}


def _with_texts_of(detail: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The texts that a lock hid, as they were the last time."""
    kept = {key: before[key] for key in ("bound", "partitioned_by", "definition") if key in before}
    filled = {
        part: [item | {text: _text_of(before.get(part, []), item["name"], text)} for item in detail[part]]
        for part, text in (("columns", "default"), ("keys", "definition"), ("indexes", "definition"))
        if part in detail
    }
    return detail | filled | kept


def _text_of(items: Sequence[Mapping[str, Any]], name: str, text: str) -> str | None:
    return next((item.get(text) for item in items if item["name"] == name), None)
