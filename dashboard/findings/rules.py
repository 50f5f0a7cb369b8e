"""What a finding is (pure): what is wrong, why we say so, over which window, and what would end it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Level = Literal["info", "warning", "critical"]


@dataclass(frozen=True)
class Remedy:
    """Statements that end the finding and statements that take them back, in their order, without semicolons.

    `in_transaction` is False for what PostgreSQL runs only alone, such as CREATE INDEX CONCURRENTLY.
    """

    up: tuple[str, ...]
    down: tuple[str, ...]
    in_transaction: bool = True
    note: str | None = None


@dataclass(frozen=True)
class Finding:
    """One finding; `key` stays the same over collections ("unused_index:public.orders_status_idx").

    `since` opens the evidence window, None where it needs none.
    `bytes` is what the remedy would give back.
    """

    key: str
    rule: str
    level: Level
    subject: str
    title: str
    why: str
    href: str | None = None
    since: datetime | None = None
    remedy: Remedy | None = None
    bytes: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def to_copy(statements: Sequence[str]) -> list[str]:
    """Statements for a person to run: without the first one, when it only removes what an interrupted run left."""
    is_second_try = len(statements) > 1 and statements[0].startswith("DROP INDEX CONCURRENTLY IF EXISTS ")
    is_build = is_second_try and re.match(r"CREATE (UNIQUE )?INDEX CONCURRENTLY ", statements[1])
    return list(statements[1:] if is_build else statements)
