"""flagd's sem_ver operator: versions as people write them, compared by semver.org's precedence (pure)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from dashboard.flags.coercions import text_of

LONGEST = 1_000
_NUMBER = r"(0|[1-9]\d{0,17})"
_PART = r"[0-9A-Za-z-]+"
_VERSION = re.compile(
    rf"[vV]?{_NUMBER}(?:\.{_NUMBER})?(?:\.{_NUMBER})?(?:-({_PART}(?:\.{_PART})*))?(?:\+{_PART}(?:\.{_PART})*)?\Z",
    re.ASCII,
)


@dataclass(frozen=True)
class Version:
    major: int
    minor: int
    patch: int
    pre: tuple[tuple[int, int, str], ...]

    @cached_property
    def rank(self) -> tuple[int, int, int, bool, tuple[tuple[int, int, str], ...]]:
        """A release outranks its own pre-releases; numbers rank below words; more parts outrank fewer."""
        return (self.major, self.minor, self.patch, not self.pre, self.pre)


def parsed(value: Any) -> Version | None:
    """1 and 1.2 stand for 1.0.0 and 1.2.0, a leading v is dropped, build metadata ignored; None: no version."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _read(text_of(value))


@lru_cache(maxsize=4_096)
def _read(text: str) -> Version | None:
    """Rules compare the same versions over and over."""
    match = _VERSION.match(text) if len(text) <= LONGEST else None
    if match is None:
        return None
    major, minor, patch, pre = match.groups()
    parts = pre.split(".") if pre else []
    if any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in parts):
        return None
    return Version(int(major), int(minor or 0), int(patch or 0), tuple(map(_ranked, parts)))


def compares(left: Any, sign: Any, right: Any) -> bool | None:
    """Whether the relation holds; None when a version or the sign cannot be understood."""
    first, second = parsed(left), parsed(right)
    if first is None or second is None or not isinstance(sign, str) or sign not in _RELATIONS:
        return None
    return _RELATIONS[sign](first, second)


def _ranked(part: str) -> tuple[int, int, str]:
    return (0, int(part), "") if part.isdigit() and len(part) < 19 else (1, 0, part)


_RELATIONS: Mapping[str, Callable[[Version, Version], bool]] = {
    "=": lambda left, right: left.rank == right.rank,
    "!=": lambda left, right: left.rank != right.rank,
    "<": lambda left, right: left.rank < right.rank,
    "<=": lambda left, right: left.rank <= right.rank,
    ">": lambda left, right: left.rank > right.rank,
    ">=": lambda left, right: left.rank >= right.rank,
    "^": lambda left, right: left.major == right.major,
    "~": lambda left, right: (left.major, left.minor) == (right.major, right.minor),
}
