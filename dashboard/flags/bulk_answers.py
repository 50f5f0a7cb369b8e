"""All flags of a set asked at once: what no context changes was written beforehand (pure)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashboard.flags.reading import FLAGD, RuleFailed

if TYPE_CHECKING:
    from dashboard.flags.flagset import ReadyFlag


@dataclass(frozen=True, eq=False)
class Always:
    """The answers that everybody gets; equal to itself alone, so that counting them all is counting one."""

    answers: tuple[str, ...]


class Bulk:
    """`_written` has a place for each answer that a context changes, between what stands before and behind it."""

    def __init__(self, flags: Iterable["ReadyFlag"]) -> None:
        self._asked: list[tuple[ReadyFlag, Callable[[Any], Any], Mapping[Any, str]]] = []
        always: list[str] = []
        between: list[list[str]] = [[]]
        for number, flag in enumerate(flags):
            between[-1].append("," if number else "")
            if flag.fixed is not None:
                between[-1].append(flag.fixed.text)
                always.append(flag.fixed.text)
            elif flag.rule is not None:
                self._asked.append((flag, flag.rule.value, flag.texts))
                between.append([])
        self.always = Always(tuple(always))
        self._written = [""] * (2 * len(between) - 1)
        self._written[::2] = map("".join, between)

    def answers(self, context: Mapping[str, Any]) -> list[str]:
        """Those that the context decides, in the order of the flags."""
        answers, flagd = [], context[FLAGD]
        for flag, value_of, known in self._asked:
            flagd["flagKey"] = flag.key
            try:
                answers.append(known[value_of(context)])
            except (KeyError, TypeError, RuleFailed):  # no name of a variant as it is, or no answer
                answers.append(flag.resolve(context).text)
        return answers

    def written(self, answers: list[str]) -> str:
        """All flags, commas between them."""
        parts = self._written.copy()
        parts[1::2] = answers
        return "".join(parts)
