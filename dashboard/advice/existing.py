"""Indexes as the catalogue describes them → shapes to compare with; what is not understood serves nothing (pure)."""

import re
from collections.abc import Sequence

from dashboard.advice.matching import PATTERNS, TRIGRAMS
from dashboard.advice.shapes import IndexShape, Key, Kind
from dashboard.tables.verdicts_redundant import parts_of

DESCENDING, NULLS_FIRST = 1, 2
_NAME = r'(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[a-z_][a-z0-9_$]*))'
_FUNCTION = re.compile(rf"(?P<function>lower|upper|length|abs|md5)\(\(*{_NAME}\)*(?:::[a-z ]+)?\)*\Z")
_TEST = re.compile(rf"\(*(?P<not>NOT )?\(*{_NAME}(?P<null> IS (?:NOT )?NULL)?\)*\Z")


def shape(
    *,
    name: str,
    method: str,
    columns: Sequence[str],
    numbers: Sequence[int],
    options: Sequence[int],
    expressions: str | None,
    predicate: str | None,
    definition: str | None,
    is_partial: bool,
    is_unique: bool,
    pages: int | None,
) -> IndexShape:
    """`numbers` and `options` as pg_index has them; texts may be missing while somebody's lock hides them."""
    texts = iter(parts_of(expressions or ""))
    keys = [
        _key(column, option, next(texts, "") if number == 0 else None, definition or "")
        for column, number, option in zip(columns, numbers, [*options, *[0] * len(numbers)], strict=False)
    ]
    limits = _limits(predicate or "") if is_partial else ()
    known = [key for key in keys if key is not None]
    return IndexShape(
        keys=tuple(known),
        method=method,
        predicate=limits or (),
        name=name,
        pages=pages,
        is_unique=is_unique and not is_partial,
        is_readable=len(known) == len(keys) and limits is not None,
    )


def _key(column: str, option: int, expression: str | None, definition: str) -> Key | None:
    descending, nulls_first = bool(option & DESCENDING), bool(option & NULLS_FIRST)
    if expression is None:
        return Key(column, None, descending, nulls_first, _opclass(column, definition))
    found = _FUNCTION.match(expression)
    return Key(_named(found), found["function"], descending, nulls_first) if found else None


def _opclass(column: str, definition: str) -> str | None:
    """The few that change what an index answers; others are the usual ones of their types."""
    told = re.search(rf'(?:^|[(, "]){re.escape(column)}"? (?:[\w"]+\.)?(\w+_ops)\b', definition)
    return told[1] if told and (told[1] in PATTERNS or told[1] == TRIGRAMS) else None


def _limits(predicate: str) -> tuple[tuple[str, Kind], ...] | None:
    """The tests that a partial index is limited to; None when one of them is another."""
    found: list[tuple[str, Kind]] = []
    for part in predicate.strip().removeprefix("(").removesuffix(")").split(" AND "):
        test = _TEST.match(part.strip())
        if test is None or (test["not"] and test["null"]):
            return None
        kind: Kind = "true"
        if test["null"]:
            kind = "not_null" if "NOT" in test["null"] else "null"
        elif test["not"]:
            kind = "false"
        found.append((_named(test), kind))
    return tuple(sorted(found))


def _named(found: re.Match[str]) -> str:
    return found["quoted"].replace('""', '"') if found["quoted"] else str(found["plain"])
