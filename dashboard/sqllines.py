"""Lays a long statement out in lines, in time that grows with its words alone (pure).

sqlparse makes nicer lines and takes up to a second for ten thousand characters; this knows clauses, joins, conditions
and subqueries, and breaks lists where a line is full.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

Piece = tuple[str, str]
WIDTH, INDENT = 100, 2
CLAUSES = {
    "SELECT", "FROM", "WHERE", "HAVING", "LIMIT", "OFFSET", "FETCH", "UNION", "EXCEPT", "INTERSECT", "VALUES", "SET",
    "RETURNING", "WINDOW",
}  # fmt: skip
FOLLOWED = {"GROUP": {"BY"}, "ORDER": {"BY"}, "ON": {"CONFLICT"}}
SIDES = {"LEFT", "RIGHT", "FULL", "INNER", "CROSS", "NATURAL"}
JOINING = {*SIDES, "OUTER", "JOIN"}
GOES_ON = {("DISTINCT", "FROM"), ("DELETE", "FROM")}
CONDITIONS = {"AND", "OR"}
BEGINS = {"SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE"}


@dataclass
class _Page:
    """What is written so far; `queries` says of each open bracket whether a query is inside of it."""

    pieces: list[Piece] = field(default_factory=list)
    column: int = 0
    queries: list[bool] = field(default_factory=list)

    @property
    def depth(self) -> int:
        return sum(self.queries)

    @property
    def is_clause_level(self) -> bool:
        return not self.queries or self.queries[-1]

    def write(self, kind: str, text: str) -> None:
        self.pieces.append((kind, text))
        line = text.rpartition("\n")
        self.column = len(line[2]) + (0 if line[1] else self.column)

    def new_line(self, deeper: int = 0) -> None:
        if self.column:
            self.write("", "\n" + " " * INDENT * (self.depth + deeper))
            self.column = 0


def laid_out(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces (class, text) of a statement with its white space made anew, but for that of literals and comments."""
    pieces = _whole(pieces)
    words = [(kind, text, text.strip().upper()) for kind, text in pieces if text.strip()]
    spaced = _spaced(pieces)
    page, between, before = _Page(), 0, ""
    for index, (kind, text, word) in enumerate(words):
        after = words[index + 1][2] if index + 1 < len(words) else ""
        between += word == "BETWEEN"
        if word == "AND" and between:
            between -= 1
        elif page.is_clause_level and _begins_line(before, word, after):
            page.new_line(word in CONDITIONS)
        elif before == "," and page.column > WIDTH:
            page.new_line(2)
        _close(page, word)
        if spaced[index] and page.column:
            page.write("", " ")
        page.write(kind, text.strip())
        _open(page, word, after)
        if text.startswith("--"):
            page.new_line()
        before = word
    return page.pieces


def _begins_line(before: str, word: str, after: str) -> bool:
    if word in CONDITIONS:
        return True
    if word in SIDES:
        return after in JOINING and before not in JOINING
    if word == "JOIN":
        return before not in JOINING
    if word in FOLLOWED:
        return after in FOLLOWED[word]
    return word in CLAUSES and (before, word) not in GOES_ON


def _open(page: _Page, word: str, after: str) -> None:
    if word != "(":
        return
    page.queries.append(after in BEGINS)
    if page.queries[-1]:
        page.new_line()


def _close(page: _Page, word: str) -> None:
    if word == ")" and page.queries and page.queries.pop():
        page.new_line()


def _whole(pieces: Sequence[Piece]) -> list[Piece]:
    """Literals and comments in one piece each: the lexer tells their quotes and insides apart."""
    found = list[Piece]()
    for kind, text in pieces:
        if found and found[-1][0] == kind and kind in {"string", "comment"}:
            found[-1] = (kind, found[-1][1] + text)
        else:
            found.append((kind, text))
    return found


def _spaced(pieces: Sequence[Piece]) -> list[bool]:
    """Of each piece with words whether white space stands before it."""
    found, is_spaced = list[bool](), False
    for _, text in pieces:
        if text.strip():
            found.append(is_spaced or text[0].isspace())
            is_spaced = text[-1].isspace()
        else:
            is_spaced = True
    return found
