"""Indexes as COPY writes them: passed on as they are, made into values only where somebody looks into them (pure)."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple, get_type_hints

from dashboard.tables.records import IndexRecord

UNKNOWN = rb"\N"
NO_TEXTS = b"\t".join([UNKNOWN] * 3)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
SCANS, ADDED = (IndexRecord._fields.index(name) for name in ("scans", "definition"))
SHAPE = [
    IndexRecord._fields.index(name)
    for name in (
        "schema", "table_name", "name", "method", "columns", "is_unique", "is_partial", "key_columns",
        "include_columns", "opclasses", "collations", "options", "storage_options", "nulls_not_distinct",
    )
]  # fmt: skip


class IndexLine(NamedTuple):
    """All that the target told of an index, and what is looked into of every one."""

    oid: int
    table_oid: int
    scans: int
    relfilenode: int
    line: bytes

    def values(self) -> list[Any]:
        """In the order of IndexRecord, as far as the target tells."""
        return _values(self.line.split(b"\t"), READERS)

    def shape(self) -> list[Any]:
        """What its texts depend on."""
        fields = self.line.split(b"\t")
        return _values([fields[place] for place in SHAPE], [READERS[place] for place in SHAPE])


def index_lines(lines: Iterable[bytes]) -> Iterator[IndexLine]:
    for line in lines:
        oid, table_oid, *_, scans, rest = line.split(b"\t", SCANS + 1)
        yield IndexLine(int(oid), int(table_oid), int(scans), int(rest[rest.rindex(b"\t") + 1 :]), line)


def texts(told: bytes | None) -> list[Any]:
    """Definition, expressions and predicate."""
    return _values((told or NO_TEXTS).split(b"\t"), READERS[ADDED:])


def number(value: int | None) -> bytes:
    return UNKNOWN if value is None else b"%d" % value


def moment(value: datetime | None) -> bytes:
    return UNKNOWN if value is None else value.isoformat().encode()


def _values(fields: Iterable[bytes], readers: Iterable[Callable[[bytes], Any]]) -> list[Any]:
    return [None if field == UNKNOWN else read(field) for field, read in zip(fields, readers, strict=False)]


def _text(field: bytes) -> str:
    told = field.decode()
    return ESCAPED.sub(lambda found: CONTROLS.get(found[1], found[1]), told) if "\\" in told else told


def _moment(field: bytes) -> datetime:
    return datetime.fromisoformat(field.decode())


BY_TYPE: dict[Any, Callable[[bytes], Any]] = {
    int: int,
    int | None: int,
    float | None: float,
    bool: b"t".__eq__,
    str: _text,
    str | None: _text,
    datetime: _moment,
    datetime | None: _moment,
}
READERS = [BY_TYPE[kind] for kind in get_type_hints(IndexRecord).values()]
