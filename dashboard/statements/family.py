"""One key for all statements of the same shape: comments, literals, list lengths and case do not matter (pure)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

LONGEST_READ = 100_000
DEEPEST = 50
LITERAL = "?"
_OPENING, _CLOSING = {"(", "["}, {")", "]"}
_BEFORE_SIGNED = {
    "(",
    "[",
    ",",
    "=",
    "<",
    ">",
    "<=",
    ">=",
    "<>",
    "!=",
    "+",
    "*",
    "/",
    "select",
    "then",
    "else",
    "and",
    "limit",
}
_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<line_comment>--[^\r\n]*)
    | (?P<block_comment>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
    | (?P<string>(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|\Z))
    | (?P<dollar>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z))
    | (?P<parameter>\$\d+)
    | (?P<quoted>(?:[uU]&)?"(?:[^"]|"")*(?:"|\Z))
    | (?P<number>(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?))
    | (?P<word>[^\W\d][\w$]*)
    | (?P<operator>::|:=|=>|[-+*/<>=~!@\#%^&|`?]+?(?=--|/\*|[^-+*/<>=~!@\#%^&|`?]|\Z))
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ARRAY = r"\( (?:\?|array \[ \? \])(?: :: [\w .]+ \[ \])? \)"
_ANY_OF, _NONE_OF = re.compile(rf"= (?:any|some) {_ARRAY}"), re.compile(rf"(?:<>|!=) all {_ARRAY}")
_LITERALS = {"escaped", "string", "dollar", "parameter", "number"}
_SKIPPED = {"space", "line_comment"}


def family_key(text: str) -> str:
    """The shape of a statement: tokens parted by one space, every literal or parameter a question mark.

    Lists after IN and ARRAY and the rows of VALUES are told once, whatever their length, and arrays after = ANY are
    lists; unquoted words are folded as PostgreSQL folds them; quoted identifiers stay as they are. Reads the first
    100,000 characters.
    """
    tokens = _named(list(_tokens(text[:LONGEST_READ])))
    return _as_lists(" ".join(_lists(tokens)))


def _as_lists(key: str) -> str:
    """`= ANY (array)` and `<> ALL (array)` are IN and NOT IN written otherwise; drivers choose between them."""
    return _NONE_OF.sub("not in ( ? )", _ANY_OF.sub("in ( ? )", key))


def digest(text: str) -> bytes:
    """The family key as the store finds it: 16 bytes."""
    return blake2b(family_key(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _tokens(text: str) -> Iterator[str]:
    position, before = 0, [LITERAL, ""]
    while match := _TOKEN.match(text, position):
        position, kind, raw = match.end(), match.lastgroup, match[0]
        if kind == "tag":
            kind = "dollar"
        if kind == "block_comment":
            position = _comment_end(text, position)
        elif kind not in _SKIPPED:
            token = LITERAL if kind in _LITERALS else raw.lower() if kind == "word" else raw
            before = [before[1], token]
            yield token


def _comment_end(text: str, position: int) -> int:
    """Block comments nest in PostgreSQL."""
    depth = 1
    for mark in re.finditer(r"/\*|\*/", text[position:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return position + mark.end()
    return len(text)


def _named(tokens: list[str]) -> list[str]:
    """Without what only names an instance: savepoints, cursors, prepared statements, values of settings, signs."""
    while tokens and tokens[-1] == ";":
        tokens.pop()
    match tokens:
        case ["savepoint" | "release" | "close" | "deallocate" as first, *_]:
            return [first, LITERAL]
        case ["rollback", *rest] if "to" in rest[:3]:
            return ["rollback", "to", LITERAL]
        case ["set", *_]:
            return _setting(tokens)
        case ["declare", _, *rest]:
            return ["declare", LITERAL, *rest]
        case ["fetch" | "move", *_, _]:
            return [*tokens[:-1], LITERAL]
    return list(_unsigned(tokens))


def _setting(tokens: list[str]) -> list[str]:
    """SET name = anything, SET name TO anything."""
    for place, token in enumerate(tokens):
        if token in {"=", "to"}:
            return [*tokens[:place], "=", LITERAL]
    return tokens


def _unsigned(tokens: list[str]) -> Iterator[str]:
    """A minus that belongs to a number disappears with it: the server tells -5 as one parameter too."""
    for place, word in enumerate(tokens):
        is_sign = word == "-" and place > 0 and tokens[place - 1] in _BEFORE_SIGNED
        if not (is_sign and tokens[place + 1 : place + 2] == [LITERAL]):
            yield word


@dataclass
class _Group:
    """What stands between two brackets: a list or row whose repeated items are told once, or anything else."""

    opening: str = ""
    kind: str = "plain"
    told: dict[tuple[str, ...], None] = field(default_factory=dict)
    item: list[str] = field(default_factory=list)
    rows: dict[tuple[str, ...], None] | None = None

    def take(self, word: str) -> None:
        if word == "," and self.kind == "list" and self.item[:1] != ["values"]:
            self.told[tuple(self.item)] = None
            self.item, self.rows = [], None
            return
        if word != ",":
            self.rows = {} if word == "values" else None
        self.item.append(word)

    def take_group(self, inner: "_Group", tokens: list[str]) -> None:
        """A row of VALUES that was told already goes, and so does the comma before it."""
        if inner.kind != "row" or self.rows is None:
            self.rows = None
        elif tuple(tokens) in self.rows:
            self.item.pop()
            return
        else:
            self.rows[tuple(tokens)] = None
        self.item += tokens

    def tokens(self, closing: str = "") -> list[str]:
        items = [*self.told] if not self.item else [*self.told | {tuple(self.item): None}]
        inside = [word for place, item in enumerate(items) for word in ([",", *item] if place else item)]
        return [*filter(None, [self.opening]), *inside, *filter(None, [closing])]


def _lists(tokens: list[str]) -> list[str]:
    """Repeated items of IN (…), ARRAY[…] and VALUES (…), (…) told once; below 50 levels brackets stay as they are."""
    groups, flat = [_Group()], 0
    for place, word in enumerate(tokens):
        group = groups[-1]
        if word in _OPENING and len(groups) < DEEPEST:
            groups.append(_Group(word, _kind(group, tokens[max(0, place - 1) : place], word)))
        elif word in _CLOSING and not flat and len(groups) > 1:
            groups.pop()
            groups[-1].take_group(group, group.tokens(word))
        else:
            flat = max(0, flat + (word in _OPENING) - (word in _CLOSING))
            group.take(word)
    while len(groups) > 1:
        group = groups.pop()
        groups[-1].take_group(group, group.tokens())
    return groups[0].tokens()


def _kind(group: _Group, before: list[str], opening: str) -> str:
    if [*before, opening] in (["in", "("], ["array", "["]):
        return "list"
    is_row = opening == "(" and group.rows is not None and before in (["values"], [","])
    return "row" if is_row else "plain"
