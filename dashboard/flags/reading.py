"""What a targeting rule looks at, found while it is compiled (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.flags.logic import path_of

FLAGD = "$flagd"


class RuleFailed(Exception):  # noqa: N818 - reads as what happened
    """The rule itself cannot be evaluated; the sentence says which part."""


@dataclass
class Reading:
    """What a rule looks at: context attributes (None: any of them), the clock, and what is wrong with it."""

    attributes: set[str] | None = field(default_factory=set)
    time: bool = False
    problems: list[str] = field(default_factory=list)

    def attribute(self, path: str) -> None:
        first, _, rest = path.partition(".")
        if first == FLAGD:
            self.time = self.time or rest in {"", "timestamp"}
        elif not first:
            self.everything()
        elif self.attributes is not None:
            self.attributes.add(first)

    def names(self, operands: Sequence[Any]) -> None:
        """Of "missing": attribute names, unless they are chosen while the rule runs."""
        for operand in operands:
            if isinstance(operand, dict | list):
                self.everything()
            else:
                self.attribute(".".join(path_of(operand)))

    def everything(self) -> None:
        self.attributes, self.time = None, True
