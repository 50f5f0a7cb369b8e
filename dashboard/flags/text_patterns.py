"""Regular expressions of somebody else, searched in a time that grows with the text and no faster (pure).

Python's own search tries one way after the other: a short expression can keep it busy for years. This one walks all
ways at once (Thompson, 1968). It knows groups, alternatives, sets, repeats, ^ and $; it looks neither around nor back.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MAX_PATTERN = 500
MAX_STATES = 2_000
MAX_STEPS = 2_000_000
WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
CATEGORIES: dict[Any, Callable[[str], bool]] = {
    code.CATEGORY_DIGIT: lambda char: "0" <= char <= "9",
    code.CATEGORY_NOT_DIGIT: lambda char: not "0" <= char <= "9",
    code.CATEGORY_WORD: lambda char: char in WORD,
    code.CATEGORY_NOT_WORD: lambda char: char not in WORD,
    code.CATEGORY_SPACE: str.isspace,
    code.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
}
BEGIN = {code.AT_BEGINNING, code.AT_BEGINNING_STRING}
END = {code.AT_END, code.AT_END_STRING}


class Refused(ValueError):  # noqa: N818 - reads as what happened
    """An expression that cannot be used, or a text too long for it; the sentence says why."""


@dataclass(eq=False)
class State:
    """Goes on at `after`: with a character that `takes` likes, or (None) without one, where `at` allows it."""

    after: list["State"]
    takes: Callable[[str], bool] | None = None
    at: Any = None


@dataclass(frozen=True)
class Pattern:
    start: State
    end: State
    size: int

    def is_in(self, text: str) -> bool:
        """Whether any part of the text fits. Raises Refused for a text that would take too long."""
        if self.size * len(text) > MAX_STEPS:
            raise Refused(f"a text of {len(text):,} characters is too long for this pattern")
        here: set[State] = set()
        for place in range(len(text) + 1):
            here = set(_reached({*here, self.start}, place, len(text)))
            if self.end in here:
                return True
            char = text[place : place + 1]
            here = {after for state in here if state.takes and char and state.takes(char) for after in state.after}
        return False


@lru_cache(maxsize=500)
def pattern_of(text: str) -> Pattern:
    """Raises Refused."""
    if len(text) > MAX_PATTERN:
        raise Refused(f"it has more than {MAX_PATTERN} characters")
    try:
        parsed = parser.parse(text)
    except (re.error, RecursionError, OverflowError):
        raise Refused("it cannot be read") from None
    if parsed.state.flags & ~re.UNICODE:
        raise Refused("it sets flags")
    build, end = _Build(), State([])
    return Pattern(build.all_of(parsed, end), end, build.made)


@dataclass
class _Build:
    """Makes states from the end of an expression to its begin, and counts them."""

    made: int = field(default=1)

    def all_of(self, parsed: Sequence[Any], after: State) -> State:
        for operation, argument in reversed(list(parsed)):
            self.made += 1
            if self.made > MAX_STATES:
                raise Refused("it repeats too much")
            after = self._one(operation, argument, after)
        return after

    def _one(self, operation: Any, argument: Any, after: State) -> State:
        if operation in {code.LITERAL, code.NOT_LITERAL, code.ANY, code.IN}:
            return State([after], takes=_taker(operation, argument))
        if operation is code.SUBPATTERN and not argument[1] and not argument[2]:
            return self.all_of(argument[3], after)
        if operation is code.BRANCH:
            return State([self.all_of(branch, after) for branch in argument[1]])
        if operation in {code.MAX_REPEAT, code.MIN_REPEAT}:
            least, most, body = argument
            return self._repeat(least, most, body, after)
        if operation is code.AT and argument in BEGIN | END:
            return State([after], at=argument)
        raise Refused("it looks around or back, or asks for the edge of a word")

    def _repeat(self, least: int, most: int, body: Sequence[Any], after: State) -> State:
        if most is code.MAXREPEAT:
            start = State([after])
            start.after.append(self.all_of(body, start))
        else:
            start = after
            for _ in range(most - least):
                start = State([after, self.all_of(body, start)])
                self.made += 1
        for _ in range(least):
            self.made += 1
            start = self.all_of(body, start)
            if self.made > MAX_STATES:
                raise Refused("it repeats too much")
        return start


def _reached(states: set[State], place: int, length: int) -> Iterator[State]:
    """These states and all that follow without another character."""
    seen, waiting = set(states), list(states)
    while waiting:
        state = waiting.pop()
        yield state
        if state.takes or (state.at in BEGIN and place > 0) or (state.at in END and place < length):
            continue
        found = [after for after in state.after if after not in seen]
        seen.update(found)
        waiting += found


def _taker(operation: Any, argument: Any) -> Callable[[str], bool]:
    if operation is code.ANY:
        return lambda char: char != "\n"
    if operation is code.LITERAL:
        return chr(argument).__eq__
    if operation is code.NOT_LITERAL:
        return chr(argument).__ne__
    parts = [_member(kind, value) for kind, value in argument if kind is not code.NEGATE]
    negated = argument[0][0] is code.NEGATE
    return lambda char: any(part(char) for part in parts) != negated


def _member(kind: Any, value: Any) -> Callable[[str], bool]:
    if kind is code.LITERAL:
        return chr(value).__eq__
    if kind is code.RANGE:
        return lambda char: value[0] <= ord(char) <= value[1]
    return CATEGORIES[value]
