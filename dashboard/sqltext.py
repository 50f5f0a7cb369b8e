"""SQL as coloured words: (class, text) pairs that a template writes as spans, so that nothing skips escaping (pure)."""

from collections.abc import Sequence
from itertools import islice

import sqlparse
from pygments.lexers import PostgresLexer
from pygments.token import Comment, Keyword, Literal, Name, Operator, _TokenType

from dashboard.sqllines import Piece, laid_out

LONGEST = 20_000
LONG = 1_500  # sqlparse takes some 30 ms for that, and up to a second for 10,000
MOST_WORDS = 2_500
CLASSES = (
    (Comment, "comment"),
    (Keyword, "keyword"),
    (Literal.String, "string"),
    (Literal.Number, "number"),
    (Name.Builtin, "type"),
    (Name.Variable, "number"),
    (Operator, "operator"),
)


def tokens(text: str, *, formatted: bool = False) -> list[Piece]:
    """Neighbours of one class are joined; beyond 20 kB the text stays plain. `formatted`: laid out in lines.

    Of a long text the first 2,500 words are coloured, so that no page waits for one.
    """
    if len(text) > LONGEST:
        return [("", text)]
    if not formatted:
        return _joined(_coloured(text))
    return _joined(laid_out(_coloured(text)) if len(text) > LONG else _coloured(_parsed(text)))


def _coloured(text: str) -> list[Piece]:
    lexed = PostgresLexer(stripnl=False, ensurenl=False).get_tokens_unprocessed(text)
    found = [(start, _class(token), value) for start, token, value in islice(lexed, MOST_WORDS)]
    end = found[-1][0] + len(found[-1][2]) if found else 0
    return [*((kind, value) for _, kind, value in found), *([("", text[end:])] if end < len(text) else [])]


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    joined: list[tuple[str, list[str]]] = []
    for kind, value in pieces:
        if joined and (joined[-1][0] == kind or not value.strip()):
            joined[-1][1].append(value)
        else:
            joined.append((kind, [value]))
    return [(kind, "".join(values)) for kind, values in joined]


def _parsed(text: str) -> str:
    try:
        return str(sqlparse.format(text, reindent=True, indent_width=2)).strip()
    except sqlparse.exceptions.SQLParseError:
        return text


def _class(token: _TokenType) -> str:
    return next((name for kind, name in CLASSES if token[: len(kind)] == kind), "")
