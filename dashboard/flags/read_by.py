"""What the rules of a flag set read together, and who refers to what: a change only counts its own flags (pure)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dashboard.flags.flagset import ReadyFlag

Reads = tuple[frozenset[str] | None, bool]
Change = tuple["ReadyFlag | None", "ReadyFlag | None"]


@dataclass(frozen=True)
class ReadBy:
    """`counted`: how many flags read the same. `users`: shared rule → the keys of the flags whose rules name it."""

    counted: Counter[Reads]
    users: Mapping[str, frozenset[str]]

    def changed(self, changes: Iterable[Change]) -> "ReadBy":
        """The same after some flags became other ones; None is a flag that was not there or is there no more."""
        counted, users = self.counted.copy(), dict(self.users)
        for before, after in changes:
            if before is not None:
                counted[before.reads] -= 1
                users |= {name: users.get(name, frozenset()) - {before.key} for name in before.shared}
            if after is not None:
                counted[after.reads] += 1
                users |= {name: users.get(name, frozenset()) | {after.key} for name in after.shared}
        return ReadBy(+counted, {name: keys for name, keys in users.items() if keys})

    def naming(self, names: Iterable[str]) -> set[str]:
        """The flags whose rules name one of these."""
        return {key for name in names for key in self.users.get(name, ())}

    @cached_property
    def attributes(self) -> frozenset[str] | None:
        """The context attributes that the rules read; None: rules choose them while they run."""
        read = [attributes for attributes, _ in self.counted]
        return None if None in read else frozenset().union(*(names for names in read if names))

    @cached_property
    def reads_time(self) -> bool:
        return any(reads_time for _, reads_time in self.counted)


def read_by(flags: Iterable["ReadyFlag"]) -> ReadBy:
    counted = Counter[Reads]()
    users: dict[str, list[str]] = {}
    for flag in flags:
        counted[flag.reads] += 1
        for name in flag.shared:
            users.setdefault(name, []).append(flag.key)
    return ReadBy(counted, {name: frozenset(keys) for name, keys in users.items()})
