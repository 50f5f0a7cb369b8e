"""JSON read exactly, and where in a text its parts stand (pure)."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from json.decoder import JSONObject  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any, NoReturn

from dashboard.flags import rules

MAX_FILE = 20_000_000
LISTED = {"flags", "features"}
_SPACE = " \t\n\r"
_NESTED = f"Nested deeper than {rules.MAX_DEPTH} levels."


class Refused(ValueError):  # noqa: N818 - reads as what happened
    """A text that cannot be used; `line` and `column` count from 1."""

    def __init__(self, sentence: str, line: int = 1, column: int = 1) -> None:
        self.sentence, self.line, self.column = sentence, line, column
        super().__init__(f"line {line}, column {column}: {sentence}")


def read_json(text: str) -> Any:
    """One JSON value, exactly: no NaN, no doubled key, no NUL, no half of a surrogate pair. Raises Refused."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise Refused(f"{error.msg[:1].upper()}{error.msg[1:]}.", error.lineno, error.colno) from None
    except RecursionError:
        raise Refused(_NESTED) from None
    except Refused as refused:
        raise Refused(refused.sentence, *_place(text, _refused_at(text))) from None
    except ValueError:
        raise Refused("A number has too many digits.") from None
    if rules.depth_of(value, limit=rules.MAX_DEPTH) > rules.MAX_DEPTH:
        raise Refused(_NESTED)
    if "\\u" in text:
        check_text(value)
    return value


def places_in(text: str) -> dict[str, tuple[int, int]]:
    """Where the members of the document and of its flags begin; the text was found to be JSON before."""
    offsets: dict[str, int] = {}
    top = _skip(text, 0)
    for name, at, value_at in _members(text, top):
        offsets[name] = at
        if name in LISTED and text[value_at] in "{[":
            offsets |= {f"{name}/{key}": place for key, place, _ in _members(text, value_at)}
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return {name: (line := bisect_right(starts, at), at - starts[line - 1] + 1) for name, at in offsets.items()}


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _refused_at(text: str) -> int:
    """Where the innermost object around the refused piece begins: hooks of json are not told, so it is read again."""
    opened: list[int] = []

    def remember(begin: tuple[str, int], *rest: Any) -> Any:
        try:
            return JSONObject(begin, *rest)
        except Refused:
            opened.append(begin[1] - 1)
            raise

    decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
    decoder.parse_object = remember  # type: ignore[attr-defined]
    decoder.scan_once = py_make_scanner(decoder)  # type: ignore[attr-defined]
    try:
        decoder.decode(text)
    except (Refused, RecursionError):
        return opened[0] if opened else 0
    return 0


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """(name or index, where it begins, where its value begins) of the object or list at this offset."""
    is_object, at, index = text[at] == "{", _skip(text, at + 1), 0
    scan = json.JSONDecoder().scan_once  # type: ignore[attr-defined]
    while text[at] not in "]}":
        start = at
        name = str(index)
        if is_object:
            name, at = scan(text, at)
            at = _skip(text, _skip(text, at) + 1)
        yield name, start, at
        _, at = scan(text, at)
        at, index = _skip(text, at), index + 1
        if text[at] == ",":
            at = _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in _SPACE:
        at += 1
    return at


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise Refused(f"“{rules.shortened(doubled)}” stands twice in one object.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise Refused(f"{name} is not a number of JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise Refused(f"The number {rules.shortened(text)} is too large.")
    return number


def check_text(value: Any) -> None:
    """Nothing that PostgreSQL or UTF-8 cannot carry."""
    written = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in written.replace("\\\\", ""):
        raise Refused("A text holds the character NUL.")
    try:
        written.encode()
    except UnicodeEncodeError:
        raise Refused("A text holds half of a surrogate pair.") from None
