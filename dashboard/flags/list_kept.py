"""What the list of flags finds out by looking at all of them, kept until a flag changes or a minute is over.

Orders by use and the reasons of staleness speak of hours and days; finding them takes as long as several pages.
"""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from flask import current_app
from sqlalchemy import BigInteger, ColumnElement, Text, cast, literal
from sqlalchemy.dialects.postgresql import ARRAY

EXTENSION = "pilothouse_flag_list"
KEPT_FOR = timedelta(minutes=1)
MOST = 64
Found = TypeVar("Found")


def kept(name: Hashable, as_of: datetime | None, now: datetime, find: Callable[[], Found]) -> Found:
    """What `find` found when no flag had changed since; never older than a minute."""
    known: dict[Hashable, tuple[datetime | None, datetime, Found]] = current_app.extensions.setdefault(EXTENSION, {})
    entry = known.get(name)
    if entry is not None and entry[0] == as_of and now - KEPT_FOR < entry[1] <= now:
        return entry[2]
    found = find()
    if len(known) >= MOST:
        known.clear()
    known[name] = (as_of, now, found)
    return found


def as_array(ids: Sequence[int]) -> str:
    """Ids as PostgreSQL writes an array: thousands of them are one text, made once."""
    return "{" + ",".join(map(str, ids)) + "}"


def array_of(text: str) -> ColumnElement[Sequence[int]]:
    return cast(literal(text, Text), ARRAY(BigInteger))
