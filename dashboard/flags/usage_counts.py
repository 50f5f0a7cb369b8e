"""What a process counted since it last wrote: whose answers, how often, and as which rows they are stored (pure)."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Asker = tuple[int, int]


class Answered(Protocol):
    """A bulk answer: every flag's own one."""

    @property
    def answers(self) -> Sequence[str]: ...


@dataclass
class Counts:
    """By (environment id, API key id). `unchanged`: who asked for all flags and was told that nothing changed (304)."""

    single: dict[Asker, Counter[str]] = field(default_factory=dict)
    bulk: dict[Asker, Counter[str]] = field(default_factory=dict)
    waiting: list[tuple[Asker, Sequence[str]]] = field(default_factory=list)
    waiting_answers: int = 0
    again: Counter[tuple[Asker, Answered]] = field(default_factory=Counter)
    unchanged: set[Asker] = field(default_factory=set)
    unknown: Counter[tuple[int, int, str]] = field(default_factory=Counter)
    downloads: set[Asker] = field(default_factory=set)
    lost: int = 0

    def is_empty(self) -> bool:
        found = (self.single, self.bulk, self.waiting, self.again, self.unchanged, self.unknown, self.downloads)
        return not any(found)

    def in_bulk(self) -> list[Asker]:
        """Who was handed out all flags at once, or has them already."""
        return sorted(self.bulk.keys() | self.unchanged)

    def take_back(self, taken: "Counts") -> None:
        """What was taken to be stored and is not."""
        for mine, theirs in ((self.single, taken.single), (self.bulk, taken.bulk)):
            for asker, counter in theirs.items():
                counter.update(mine.get(asker, Counter()))
                mine[asker] = counter
        self.unknown.update(taken.unknown)
        self.unchanged |= taken.unchanged
        self.downloads |= taken.downloads


@dataclass(slots=True, order=True)
class Row:
    environment_id: int
    flag_key: str
    variant: str
    reason: str
    api_key_id: int
    count: int = 0
    bulk_count: int = 0


def rows_of(counts: Counts) -> list[Row]:
    """In the order of the key, so that two processes which add to the same rows never wait in a circle."""
    rows: dict[tuple[int, str, str, str, int], Row] = {}
    for counters, is_bulk in ((counts.single, False), (counts.bulk, True)):
        for (environment_id, api_key_id), counter in counters.items():
            for answer, count in counter.items():
                said = json.loads(answer)
                reason = said.get("errorCode") or said["reason"]
                key = (environment_id, said["key"], said.get("variant", ""), reason, api_key_id)
                row = rows.setdefault(key, Row(*key))
                row.count += count
                row.bulk_count += count * is_bulk
    return sorted(rows.values())


def columns_of(askers: Iterable[Asker]) -> dict[str, list[int]]:
    """As a question takes them."""
    known = list(askers)
    return {"environment_id": [one for one, _ in known], "api_key_id": [one for _, one in known]}
