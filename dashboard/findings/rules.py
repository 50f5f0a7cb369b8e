"""What a finding is (pure): what is wrong, why we say so, over which window, and what would end it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Level = Literal["info", "warning", "critical"]
AGAIN = (
    (re.compile("DROP INDEX CONCURRENTLY IF EXISTS "), re.compile("CREATE (UNIQUE )?INDEX CONCURRENTLY ")),
    (re.compile("DROP INDEX IF EXISTS "), re.compile("CREATE INDEX .* ON ONLY ", re.DOTALL)),
)


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
    """Statements for a person to run: without those that only remove what an interrupted run left of the next one."""
    pairs = zip(statements, [*statements[1:], ""], strict=False)
    return [one for one, then in pairs if not any(clears.match(one) and builds.match(then) for clears, builds in AGAIN)]
