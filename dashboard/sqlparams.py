"""Parameters as the parser can read them: it takes `$1,$` of `($1,$2)` for the beginning of a quoted string (pure)."""

import re

_DOLLAR = re.compile(r"(?<![\w$])\$(?=\d)")
_PARAMETER = re.compile(
    r"""(?P<kept>'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(?P<tag>[^\W\d]\w*|)\$.*?\$(?P=tag)\$|--[^\r\n]*|/\*.*?\*/)|\$\d+""",
    re.DOTALL,
)


def as_names(text: str) -> str:
    """`$1` as `_1`: every other character stays in its place."""
    return _DOLLAR.sub("_", text)


def as_strings(text: str) -> str:
    """`$1` as a string, so that `interval $1` and `date $1` are what they were; quoted texts and comments stay."""
    return _PARAMETER.sub(lambda found: found["kept"] or "''", text)
