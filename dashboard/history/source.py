"""A revision's Python as coloured words, in the classes of the SQL shown elsewhere (pure)."""

from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Literal, Name, Operator

LONGEST = 60_000
CLASSES = (
    (Comment, "comment"),
    (Keyword, "keyword"),
    (Operator.Word, "keyword"),
    (Literal.String, "string"),
    (Literal.Number, "number"),
    (Name.Function, "type"),
    (Name.Builtin, "type"),
)


def tokens(text: str) -> list[tuple[str, str]]:
    """(class, text) pairs that a template writes as spans; neighbours of one class are joined."""
    if len(text) > LONGEST:
        return [("", text)]
    joined: list[tuple[str, str]] = []
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        kind = next((name for parent, name in CLASSES if token in parent), "")
        if joined and (joined[-1][0] == kind or not value.strip()):
            joined[-1] = (joined[-1][0], joined[-1][1] + value)
        else:
            joined.append((kind, value))
    return joined
