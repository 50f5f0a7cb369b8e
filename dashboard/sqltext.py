"""SQL as coloured words: (class, text) pairs that a template writes as spans, so that nothing skips escaping (pure)."""

import sqlparse
from pygments.lexers import PostgresLexer
from pygments.token import Comment, Keyword, Literal, Name, Operator, _TokenType

LONGEST = 20_000
CLASSES = (
    (Comment, "comment"),
    (Keyword, "keyword"),
    (Literal.String, "string"),
    (Literal.Number, "number"),
    (Name.Builtin, "type"),
    (Name.Variable, "number"),
    (Operator, "operator"),
)


def tokens(text: str, *, formatted: bool = False) -> list[tuple[str, str]]:
    """Neighbours of one class are joined; beyond 20 kB the text stays plain. `formatted`: laid out in lines."""
    if len(text) > LONGEST:
        return [("", text)]
    joined: list[tuple[str, str]] = []
    for token, value in PostgresLexer(stripnl=False, ensurenl=False).get_tokens(_laid_out(text) if formatted else text):
        kind = _class(token)
        if joined and (joined[-1][0] == kind or not value.strip()):
            joined[-1] = (joined[-1][0], joined[-1][1] + value)
        else:
            joined.append((kind, value))
    return joined


def _laid_out(text: str) -> str:
    try:
        return str(sqlparse.format(text, reindent=True, indent_width=2)).strip()
    except sqlparse.exceptions.SQLParseError:
        return text


def _class(token: _TokenType) -> str:
    return next((name for kind, name in CLASSES if token[: len(kind)] == kind), "")
