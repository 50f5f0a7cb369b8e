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

BESIDE_OTHERS = re.compile("(CREATE (UNIQUE )?INDEX|DROP INDEX|REINDEX INDEX) CONCURRENTLY ")
LONG_WAIT, SHORT_WAIT = "60s", "5s"


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


def stops_nobody(statements: Sequence[str]) -> bool:
    """Whether reads and writes go on beside all of them."""
    return all(BESIDE_OTHERS.match(one) for one in statements)


def limited(statements: Sequence[str], *, in_transaction: bool) -> list[str]:
    """With how long each may wait for its lock: behind one that stops others they queue while it waits."""
    if in_transaction:
        return [f"SET LOCAL lock_timeout = '{SHORT_WAIT}'", *statements]
    found, limit = list[str](), ""
    for one in statements:
        wait = LONG_WAIT if stops_nobody([one]) else SHORT_WAIT
        found += [one] if wait == limit else [f"SET lock_timeout = '{wait}'", one]
        limit = wait
    return [*found, "RESET lock_timeout"]


def to_copy(statements: Sequence[str], *, in_transaction: bool) -> list[str]:
    """Statements for a person to run: without those that only remove what an interrupted run left of the next one."""
    if not statements:
        return []
    pairs = zip(statements, [*statements[1:], ""], strict=False)
    kept = [one for one, then in pairs if not any(clears.match(one) and builds.match(then) for clears, builds in AGAIN)]
    told = limited(kept, in_transaction=in_transaction)
    return ["BEGIN", *told, "COMMIT"] if in_transaction else told
