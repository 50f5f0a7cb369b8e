"""How an alert begins, holds and ends (pure): pending → firing → resolved, without flapping."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from dashboard.alerts.rules import Observation, Rule, Setting

CALM_FOR = timedelta(minutes=3)
State = Literal["pending", "firing", "resolved"]


@dataclass(frozen=True)
class Standing:
    """An alert as it stands: bad since `began_at`, fired at `fired_at`, below its clearing limit since `calm_since`."""

    state: State
    began_at: datetime
    fired_at: datetime | None = None
    calm_since: datetime | None = None
    resolved_at: datetime | None = None


def step(before: Standing | None, value: float | None, rule: Rule, setting: Setting, now: datetime) -> Standing | None:
    """The alert after one more look; `value` 0 when the rule saw nothing of this subject any more.

    It begins at the threshold, fires when that held for the rule's time without a break, and ends only after three
    minutes below the clearing limit, which lies lower. None: there is none (any more). `value` None: not known, and
    everything stays as it is.
    """
    if value is None:
        return before
    if before is None:
        return _fired(Standing("pending", now), setting, now) if value >= setting.threshold else None
    if before.state == "pending":
        return _fired(before, setting, now) if value >= setting.threshold else None
    if value >= setting.threshold * rule.clear:
        return replace(before, calm_since=None)
    calm_since = min(before.calm_since or now, now)
    if now - calm_since >= CALM_FOR:
        return replace(before, state="resolved", calm_since=calm_since, resolved_at=now)
    return replace(before, calm_since=calm_since)


def _fired(pending: Standing, setting: Setting, now: datetime) -> Standing:
    """A clock that was set back begins the wait anew rather than never ending it."""
    began_at = min(pending.began_at, now)
    held = now - began_at >= timedelta(seconds=setting.for_s)
    return Standing("firing", began_at, fired_at=now) if held else Standing("pending", began_at)


def switched_off(before: Standing, now: datetime) -> Standing | None:
    """A rule that is off, or a target that is gone from it, ends at once; nobody has to wait for calm."""
    return replace(before, state="resolved", resolved_at=now) if before.state == "firing" else None


def worst(observed: list[Observation]) -> dict[str, Observation]:
    """By subject; of two with one name the higher value stands for both, and any value for what is not known."""
    return {one.subject: one for one in sorted(observed, key=lambda one: -1.0 if one.value is None else one.value)}
