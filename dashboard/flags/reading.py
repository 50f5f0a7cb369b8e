"""What a targeting rule looks at, found while it is compiled, and what it is compiled with (pure)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from dashboard.flags.bucketing import DEFAULT, Bucketing, Draw
from dashboard.flags.coercions import path_of

FLAGD = "$flagd"
MAX_PARTS = 100_000
Closure = Callable[[Any], Any]


class RuleFailed(Exception):  # noqa: N818 - reads as what happened
    """The rule itself cannot be evaluated; the sentence says which part."""


class Watcher(Protocol):
    """Sees every part of a rule while it is compiled and while it runs."""

    def part(self, rule: Any, compiled: Callable[[], Closure]) -> Closure: ...

    def drew(self, draw: Draw) -> None: ...


@dataclass
class Reading:
    """What a rule looks at: context attributes (None: any of them), the clock, shared rules; what is wrong with it."""

    attributes: set[str] | None = field(default_factory=set)
    time: bool = False
    shared: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    evaluators: Mapping[str, Any] = field(default_factory=dict)
    bucketing: Bucketing = DEFAULT
    watcher: Watcher | None = None
    parts: Iterator[int] = field(default_factory=lambda: iter(range(MAX_PARTS)))

    def attribute(self, path: str) -> None:
        first, _, rest = path.partition(".")
        if first == FLAGD:
            self.time = self.time or rest in {"", "timestamp"}
        elif not first:
            self.everything()
        elif self.attributes is not None:
            self.attributes.add(first)

    def names(self, operands: Sequence[Any]) -> None:
        """Of "missing": attribute names, one by one or as a list, unless they are chosen while the rule runs."""
        for operand in operands:
            if isinstance(operand, dict):
                self.everything()
            elif isinstance(operand, list):
                self.names(operand)
            else:
                self.attribute(".".join(path_of(operand)))

    def everything(self) -> None:
        self.attributes, self.time = None, True

    def inner(self) -> "Reading":
        """For a rule about items of a list: it reads them, not the context."""
        return replace(self, attributes=set(), time=False)
