"""Two plans, without and with a hypothetical index → whether the planner would use it (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.advice.scans import scans

MOST_FAMILIES = 3
LEAST_GAIN = 0.05


@dataclass(frozen=True)
class Trial:
    """Costs of the whole plan before and after; `is_used`: the plan after names the index."""

    before: float
    after: float
    is_used: bool

    @classmethod
    def of(cls, before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> "Trial":
        used = any(scan.index == name for scan in scans(after))
        return cls(_total(before), _total(after), used)


@dataclass(frozen=True)
class Verdict:
    is_confirmed: bool
    sentence: str


def judged(trials: Sequence[Trial]) -> Verdict | None:
    """Dexter's rule: used by the planner, and cheaper by a part that counts. None when nothing could be tried."""
    if not trials:
        return None
    good = [one for one in trials if one.is_used and one.after <= one.before * (1 - LEAST_GAIN)]
    if not good:
        return Verdict(False, "HypoPG tried it: the planner would not use it, or save nothing by its own estimate.")
    best = min(good, key=lambda one: one.after / max(one.before, 1e-9))
    tried = "the query" if len(trials) == 1 else f"{len(good)} of {len(trials)} queries tried"
    sentence = f"HypoPG tried it: the planner would use it for {tried}, at a cost of {best.after:,.0f} instead of "
    return Verdict(True, f"{sentence}{best.before:,.0f}.")


def _total(document: Mapping[str, Any]) -> float:
    root = document.get("Plan", document)
    value = root.get("Total Cost") if isinstance(root, Mapping) else None
    return float(value) if isinstance(value, int | float) else 0.0
