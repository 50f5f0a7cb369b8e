"""Statements of a target without what they hold of secrets: before they are stored, and before they are shown (pure).

A literal is replaced as a whole. Texts may be cut in the middle of one.
"""

import re
from collections.abc import Iterator

MASK = "'***'"
PLANNED = {"select", "insert", "update", "delete", "merge", "with", "values", "table"}
_NAME = r"(?:passw(?:or)?d|passphrase|passcode|secret|token|api_?key|(?:private|access)_?key|credential)[\w.$]*"
_PIECE = re.compile(
    r"""
      (?P<line>--[^\r\n]*) | (?P<block>/\*)
    | (?P<name>(?:[uU]&)?"(?:[^"]|"")*(?:"|\Z))
    | (?P<dollar>(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$(?P<body>.*?)(?:\$(?P=tag)\$|\Z))
    | (?P<string>\b[eE]'(?:[^'\\]|\\.|'')*(?:\\?\Z|')|(?:\b[bBxXnN]|\b[uU]&)?'(?:[^']|'')*(?:'|\Z))
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
# What stands before a literal that is a secret: its name, the word of a command, a function, an application's setting.
_BEFORE = (
    rf"""{_NAME}(?:['"]\s*,|['"]?\s*(?:[=<>!:~]+|\bto|\blike|\bin)?)[\s(]*\Z""",
    r"\b(?:connection|program)\s*\Z",
    r"\b(?:crypt|digest|hmac|(?:en|de)crypt\w*|pgp_\w+)\s*\([^()]*(?:\([^()]*\)[^()]*)*\Z",
    r"\bset\s+(?:session\s+|local\s+)?[\w\"]+\.[\w\".]+\s*(?:=|\bto\b)[\s',*]*\Z",
    r"\bset_config\s*\(\s*'\w+\.[\w.]+'\s*(?:::\s*\w+\s*)?,\s*\Z",
)
_IS_BEFORE = re.compile("|".join(_BEFORE), re.IGNORECASE)
_HOLDS = re.compile(
    rf"{_NAME}(?:[\s\"'\\]*[=:]|\s+')|\bpwd\s*=|://[^\s@:/]*:[^\s@]*@|://[^\s@:/]+:[^\s@/]*\Z|\bbearer\s", re.IGNORECASE
)
_CODE = re.compile(r"\b(?:do|as|language\s+\S+)\s*\Z", re.IGNORECASE)
# SET takes bare words and numbers too.
_SETTING = re.compile(
    rf"""
    ((?:\A|;|\*/|\n)\s*(?:alter\s[^;]*?\s)?set\s+(?:session\s+|local\s+)?
     (?:[\w"]+\.[\w".]+|"?\w*{_NAME}"?)\s*(?:=|\bto\b))\s*(?!\s|default\b|\$\d|{re.escape(MASK)})[^;]*
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LIKELY = re.compile(
    rf"{_NAME}|\bpwd\b|\bbearer\b|\bconnection\b|\bprogram\b|crypt|\bdigest\b|\bhmac\b|\bpgp_|://|\bset_config\b"
    r"|\bset\s+(?:session\s+|local\s+)?[\w\"]+\.",
    re.IGNORECASE,
)
_SPACES = re.compile(r"\s+")
_TAIL, _SHORT = 200, 60


def without_secrets(text: str) -> str:
    """For what runs now: passwords, keys, connection strings and an application's own settings are masked."""
    return _masked(text, every=False) if _LIKELY.search(text) else text


def without_values(text: str) -> str:
    """For what is kept. The server itself takes the literals out of what is planned, but out of nothing else: there
    every string is masked; the code of DO and of functions stays, without its strings.
    """
    first = re.search(r"\w+", _bare(text))
    is_planned = first is not None and first[0].lower() in PLANNED
    return without_secrets(text) if is_planned else _masked(text, every=True)


def _masked(text: str, *, every: bool) -> str:
    told, code = [], ""
    for kind, raw, body in _pieces(text):
        is_literal = kind in {"string", "dollar"}
        masked = raw
        if kind == "dollar" and _CODE.search(code):
            edge = raw[: raw.index("$", 1) + 1]
            masked = edge + _masked(body, every=every) + (edge if raw.endswith(edge) and len(raw) > len(edge) else "")
        elif is_literal and (every or _is_secret(raw, code)):
            masked = MASK
        told.append(masked)
        code = _with(code, kind, masked)
    return _SETTING.sub(rf"\1 {MASK}", "".join(told))


def _with(code: str, kind: str, raw: str) -> str:
    """The code so far, its end: without comments, spaces told once, long literals as empty ones."""
    if kind in {"string", "dollar"} and len(raw) > _SHORT:
        raw = "''"
    told = " " if kind == "comment" else _SPACES.sub(" ", raw)
    return (code + (told.lstrip() if code.endswith(" ") else told))[-_TAIL:]


def _is_secret(raw: str, before: str) -> bool:
    return bool(_IS_BEFORE.search(before) or _HOLDS.search(raw))


def _bare(text: str) -> str:
    """The code at the beginning, without comments."""
    return "".join(" " if kind == "comment" else raw for kind, raw, _ in _pieces(text[:2_000]))


def _pieces(text: str) -> Iterator[tuple[str, str, str]]:
    """Comments, quoted names, literals and the code between them, in order; all together they are the text."""
    position = 0
    while match := _PIECE.search(text, position):
        if match.start() > position:
            yield "code", text[position : match.start()], ""
        kind, position = str(match.lastgroup), match.end()
        if kind == "block":
            position = _block_end(text, position)
        kind = {"line": "comment", "block": "comment", "tag": "dollar", "body": "dollar"}.get(kind, kind)
        yield kind, text[match.start() : position], match["body"] or ""
    if position < len(text):
        yield "code", text[position:], ""


def _block_end(text: str, position: int) -> int:
    """Block comments nest in PostgreSQL."""
    depth = 1
    for edge in _BLOCK_EDGE.finditer(text, position):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    return len(text)
