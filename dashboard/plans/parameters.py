"""A recorded text whose $1… stand where PostgreSQL takes only literals, made plannable with casts (pure)."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from sqlglot import Token, TokenType, tokenize
from sqlglot.errors import TokenError

from dashboard.sqlparams import as_names

# What an operator may say of a value whose type the server cannot tell; nothing else reaches the statement.
TYPES = (
    "bigint", "boolean", "date", "double precision", "integer", "interval", "jsonb", "numeric", "text", "text[]",
    "timestamp", "timestamptz", "uuid",
)  # fmt: skip
# A type in front of a parameter was a typed literal: date '2026-01-01' is recorded as date $1.
_TYPED = re.compile(
    r"""
      (?:timestamp|time)(?:\ \(\ \d+\ \))?(?:\ with(?:out)?\ time\ zone)?
    | interval(?:\ \(\ \d+\ \))? | double\ precision | (?:character|bit)\ varying
    | timestamptz | timetz | date | numeric | decimal | real | float | float4 | float8
    | int | int2 | int4 | int8 | integer | bigint | smallint | bool | boolean | text | varchar | bpchar | name
    | bytea | uuid | json | jsonb | xml | inet | cidr | macaddr | macaddr8 | money | oid | regclass
    | point | box | line | lseg | path | polygon | circle | tsvector | tsquery
    | int4range | int8range | numrange | daterange | tsrange | tstzrange
    """,
    re.VERBOSE,
)
_UNIT = "(?:year|month|day|hour|minute|second)"
_FIELDS = re.compile(rf"{_UNIT}(?: to {_UNIT})?(?: \( \d+ \))?")
_LONGEST_TYPE, _LONGEST_FIELDS = 7, 6
Edit = tuple[int, int, str]


def tokens_of(text: str) -> list[Token]:
    """Raises ValueError when the text is not even words of SQL."""
    try:
        tokens = tokenize(as_names(text), read="postgres")
    except TokenError:
        raise ValueError("no SQL") from None
    return [part for token in tokens for part in _parts(token, text)]


def _parts(token: Token, text: str) -> list[Token]:
    """A parameter is the dollar and its number."""
    start, end = token.start, token.end
    if text[start] != "$" or not text[start + 1 : end + 1].isdecimal():
        return [token]
    dollar = Token(TokenType.PARAMETER, "$", token.line, token.col, start, start)
    return [dollar, Token(TokenType.NUMBER, text[start + 1 : end + 1], token.line, token.col, start + 1, end)]


def parameter_count(text: str) -> int:
    """The highest n of its $n."""
    return max((int(number.text) for _, number in _parameters(tokens_of(text))), default=0)


def plannable(text: str, types: Mapping[int, str] | None = None) -> str:
    """The text with `date $1` as cast($1 as date), `extract($1 from x)` as date_part($1, x), and what else is a
    literal by syntax; a parameter that a type is known of is cast to it.
    """
    tokens = tokens_of(text)
    words = [text[token.start : token.end + 1].lower() for token in tokens]
    edits: list[Edit] = []
    for place, (dollar, number) in _places(tokens):
        value = f"${number.text}"
        if kind := (types or {}).get(int(number.text)):
            value = f"(${number.text}::{kind})"
        edits += _edits(tokens, words, place, value) or [(dollar.start, number.end + 1, value)]
    return _edited(text, edits)


def without_null_tests(text: str) -> str:
    """The text as the server finds types in: what is only tested for NULL is text, other tests test nothing."""
    tokens = tokens_of(text)
    tests = {place for place, _ in _places(tokens) if _is_null_test(text, tokens[place + 2 : place + 5])}
    used = {number.text for place, (_, number) in _places(tokens) if place not in tests}
    return _edited(
        text,
        [
            (dollar.start, number.end + 1, "null" if number.text in used else f"(${number.text}::text)")
            for place, (dollar, number) in _places(tokens)
            if place in tests
        ],
    )


def _edits(tokens: Sequence[Token], words: Sequence[str], place: int, value: str) -> list[Edit]:
    """What replaces a parameter together with the words around it; nothing when they may stay."""
    start, end = tokens[place].start, tokens[place + 1].end + 1
    after = words[place + 2 : place + 3]
    if words[max(0, place - 2) : place] == ["extract", "("] and after == ["from"]:
        name, comma = tokens[place - 2], tokens[place + 2]
        return [
            (name.start, name.end + 1, "pg_catalog.date_part"),
            (start, end, value),
            (comma.start, comma.end + 1, ","),
        ]
    before = _longest(_TYPED, words, [(first, place) for first in range(max(0, place - _LONGEST_TYPE), place)])
    if before is None:
        return []
    kind, first = before
    if kind.startswith("interval"):
        ends = range(min(len(words), place + 2 + _LONGEST_FIELDS), place + 2, -1)
        fields = _longest(_FIELDS, words, [(place + 2, last) for last in ends])
        if fields is not None:
            kind, end = f"{kind} {fields[0]}", tokens[place + 1 + len(fields[0].split(" "))].end + 1
    return [(tokens[first].start, end, f"cast({value} as {kind})")]


def _longest(shape: re.Pattern[str], words: Sequence[str], spans: Sequence[tuple[int, int]]) -> tuple[str, int] | None:
    """The first of these spans of words that has the shape, with where it begins."""
    for first, last in spans:
        phrase = " ".join(words[first:last])
        if shape.fullmatch(phrase):
            return phrase, first
    return None


def _is_null_test(text: str, following: Sequence[Token]) -> bool:
    words = [text[token.start : token.end + 1].lower() for token in following]
    return words[:2] == ["is", "null"] or words == ["is", "not", "null"] or words[:1] in (["isnull"], ["notnull"])


def _places(tokens: Sequence[Token]) -> list[tuple[int, tuple[Token, Token]]]:
    return [
        (place, (dollar, number))
        for place, (dollar, number) in enumerate(pairwise(tokens))
        if dollar.text == "$" and number.text.isdecimal() and number.start == dollar.end + 1
    ]


def _parameters(tokens: Sequence[Token]) -> list[tuple[Token, Token]]:
    return [pair for _, pair in _places(tokens)]


def _edited(text: str, edits: Sequence[Edit]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
