"""What happens to a flag at each step of a schedule, as people read it (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dashboard.flags import compare, ramp, rollout, rules, targeting
from dashboard.flags.rollout import WHOLE

Document = Mapping[str, Any]
MOST_NAMED = 4
NAMES = {"targeting": "rule", "defaultVariant": "default variant", "unmetVariant": "variant where something is missing"}


@dataclass(frozen=True)
class ComingStep:
    """One step to come: what it changes of the one before it.

    In a ramp `variant` is the one that grows; `share` of those whom no rule chooses get it from then on, from 0 to 1.
    """

    at: datetime
    words: str
    differences: Sequence[compare.Difference]
    variant: str | None = None
    share: float = 0.0


def steps_of(before: Document, steps: Sequence[tuple[int, Document]]) -> list[ComingStep]:
    """`steps`: what the flag becomes at which second (Unix time), in their order."""
    variant, found = _growing([after for _, after in steps]), []
    for at, after in steps:
        share = _shares(after).get(variant or "", 0) / WHOLE
        time = datetime.fromtimestamp(at, UTC)
        found.append(ComingStep(time, _words(before, after), compare.differences(before, after), variant, share))
        before = after
    return found


def _growing(documents: Sequence[Document]) -> str | None:
    """The variant that comes to the most people between the first step and the last one."""
    first, last = _shares(documents[0]), _shares(documents[-1])
    by = {variant: share - first.get(variant, 0) for variant, share in last.items()} if first else {}
    variant = max(by, key=lambda name: by[name], default="")
    return variant if by.get(variant, 0) > 0 else None


def _words(before: Document, after: Document) -> str:
    """The switch first, then who gets what; what cannot be said shortly is named."""
    differences = {item.field: item.after for item in compare.differences(before, after)}
    parts = [f"Turned {differences.pop('state')}"] if "state" in differences else []
    shares = _shares(after)
    if shares and shares != _shares(before):
        percents = {name: f"{rollout.percent_text(share)}\N{NO-BREAK SPACE}%" for name, share in shares.items()}
        parts.append(", ".join(f"{percent} {name}" for name, percent in percents.items()))
        if _chosen(before) == _chosen(after):
            differences.pop("targeting", None)
        differences.pop("defaultVariant", None)
    named = [NAMES.get(field, field) for field in differences]
    if named:
        more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
        parts.append(f"another {', '.join(named[:MOST_NAMED])}{more}")
    words = "; ".join(parts) or "nothing changes"
    return words[0].upper() + words[1:]


def _shares(document: Document) -> Mapping[str, int]:
    return ramp.shares_of(rules.definition_of(document)) if document else {}


def _chosen(document: Document) -> Sequence[targeting.Rule]:
    found = targeting.read(document.get("targeting"))
    return found.rules if found else ()
